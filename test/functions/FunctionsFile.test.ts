import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, References } from "effect"
import { TestClock } from "effect/testing"
import { Functions } from "../../src/functions/Functions.ts"
import * as FunctionsFile from "../../src/functions/FunctionsFile.ts"
import { eventually } from "../support/Eventually.ts"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "sluice-functions-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const write = (file: string, text: string) => Effect.promise(() => writeFile(file, text))

const listing = (functions: Record<string, string>) =>
  JSON.stringify({ functions: Object.entries(functions).map(([name, url]) => ({ name, url })) })

const urlOf = (find: Effect.Success<ReturnType<typeof FunctionsFile.make>>, name: string) =>
  Effect.map(find({ name, namespace: "openfaas-fn" }), (found) =>
    found._tag === "Found" ? found.spec.url : found._tag
  )

/** Waits for something that a reread of the file brings about, rereading it. */
const afterRereading = (what: string, happened: () => boolean) =>
  eventually(what, Effect.map(TestClock.adjust("5 seconds"), happened))

/** Enough rereads for anything that each of them does to be seen. */
const rereads = Effect.suspend(() => {
  let left = 5
  return afterRereading("the file is reread", () => left-- === 0)
})

/** Collects log lines: level, message and annotations. */
const collectingLogs = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    const fields = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
    lines.push([logLevel, message, ...fields.map(([key, value]) => `${key}=${String(value)}`)].join(" "))
  })
  return { lines, layer: Logger.layer([logger]) }
}

const provider = (options: Partial<Parameters<typeof Functions.layer>[0]>) =>
  Functions.layer({ defaultNamespace: "openfaas-fn", secretMountPath: "/nowhere", ...options })

const urlBy = (options: Partial<Parameters<typeof Functions.layer>[0]>) =>
  Functions.use(({ find }) => urlOf(find, "echo")).pipe(Effect.provide(provider(options)))

describe("the functions of a file", () => {
  it.live("are found, and others are unknown", () =>
    Effect.gen(function* () {
      const file = join(yield* directory, "functions.yaml")
      yield* write(file, listing({ echo: "http://a" }))
      const find = yield* FunctionsFile.make(file, "openfaas-fn")
      assert.strictEqual(yield* urlOf(find, "echo"), "http://a")
      assert.strictEqual(yield* urlOf(find, "nope"), "Unknown")
    })
  )

  it.live("change with the file, and the log says how", () => {
    const { layer, lines } = collectingLogs()
    return Effect.gen(function* () {
      const file = join(yield* directory, "functions.yaml")
      yield* write(file, listing({ kept: "http://k", gone: "http://g", moved: "http://m" }))
      const find = yield* FunctionsFile.make(file, "openfaas-fn")
      yield* write(file, listing({ kept: "http://k", moved: "http://m2", added: "http://a" }))
      yield* eventually(
        "the change is seen",
        Effect.map(urlOf(find, "added"), (url) => url === "http://a")
      )
      assert.strictEqual(yield* urlOf(find, "moved"), "http://m2")
      assert.strictEqual(yield* urlOf(find, "gone"), "Unknown")
      yield* eventually("the change is logged", () => lines.length > 0)
      assert.deepEqual(lines, [
        "Info functions_file changed added=added.openfaas-fn removed=gone.openfaas-fn changed=moved.openfaas-fn"
      ])
    }).pipe(Effect.provide(layer))
  })

  it.live("change when another file takes the place of theirs", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const file = join(path, "functions.yaml")
      yield* write(file, listing({ echo: "http://a" }))
      const find = yield* FunctionsFile.make(file, "openfaas-fn")
      yield* write(join(path, "new"), listing({ echo: "http://b" }))
      yield* Effect.promise(() => rename(join(path, "new"), file))
      yield* eventually(
        "the change is seen",
        Effect.map(urlOf(find, "echo"), (url) => url === "http://b")
      )
    })
  )

  it.live("change when Kubernetes turns the link to its directory", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const publish = (version: string, url: string) =>
        Effect.promise(async () => {
          await mkdir(join(path, version))
          await writeFile(join(path, version, "functions.yaml"), listing({ echo: url }))
          await symlink(version, join(path, "..data_tmp"))
          await rename(join(path, "..data_tmp"), join(path, "..data"))
        })
      const file = join(path, "functions.yaml")
      yield* publish("..1", "http://a")
      yield* Effect.promise(() => symlink(join("..data", "functions.yaml"), file))
      const find = yield* FunctionsFile.make(file, "openfaas-fn")
      yield* publish("..2", "http://b")
      yield* eventually(
        "the change is seen",
        Effect.map(urlOf(find, "echo"), (url) => url === "http://b")
      )
    })
  )

  it.effect("change, if later, where no event tells of it: behind a link to another directory", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const elsewhere = yield* directory
      const target = join(elsewhere, "target.yaml")
      yield* write(target, listing({ echo: "http://a" }))
      const file = join(path, "functions.yaml")
      yield* Effect.promise(() => symlink(target, file))
      const find = yield* FunctionsFile.make(file, "openfaas-fn")
      yield* write(target, listing({ echo: "http://b" }))
      yield* TestClock.adjust("5 seconds")
      yield* eventually(
        "the change is seen",
        Effect.map(urlOf(find, "echo"), (url) => url === "http://b")
      )
    })
  )

  it.effect("stay as they were while the file is wrong or away, and the log says it once", () => {
    const { layer, lines } = collectingLogs()
    return Effect.gen(function* () {
      const file = join(yield* directory, "functions.yaml")
      yield* write(file, listing({ echo: "http://a" }))
      const find = yield* FunctionsFile.make(file, "openfaas-fn")
      yield* write(file, "functions:\n- name: echo\n  urll: http://b\n")
      yield* afterRereading("the mistake is logged", () => lines.length > 0)
      yield* rereads
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /^Error functions_file has mistakes:/)
      assert.include(lines[0], `${file}:3:3: functions[0].urll is no known key`)
      assert.strictEqual(yield* urlOf(find, "echo"), "http://a")

      yield* Effect.promise(() => rm(file))
      yield* afterRereading("the loss is logged", () => lines.length > 1)
      yield* rereads
      assert.lengthOf(lines, 2)
      assert.include(lines[1], "functions_file cannot be read")
      assert.strictEqual(yield* urlOf(find, "echo"), "http://a")

      yield* write(file, listing({ echo: "http://b" }))
      yield* afterRereading("the new file is seen", () => lines.length > 2)
      assert.strictEqual(yield* urlOf(find, "echo"), "http://b")
    }).pipe(Effect.provide(layer))
  })

  it.effect("cannot be used at start when the file is wrong or missing", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const start = (file: string) =>
        Effect.flip(
          Layer.build(
            Functions.layer({ functionsFile: file, defaultNamespace: "openfaas-fn", secretMountPath: path })
          )
        )
      const missing = yield* start(join(path, "missing.yaml"))
      assert.strictEqual(missing._tag, "WatchedFileError")
      assert.include(missing.message, "missing.yaml")
      const file = join(path, "functions.yaml")
      yield* write(file, "functions:\n- name: a\n- url: b\n")
      const { message } = yield* start(file)
      assert.include(message, `${file}:2:3: functions[0].url is missing`)
      assert.include(message, `${file}:3:3: functions[1].name is missing`)
    })
  )
})

describe("the provider of functions", () => {
  it.effect("is the file before the template before the gateway", () =>
    Effect.gen(function* () {
      const file = join(yield* directory, "functions.yaml")
      yield* write(file, listing({ echo: "http://from-file" }))
      const functionUrl = "http://from-template/{name}"
      const gatewayUrl = "http://from-gateway"
      assert.strictEqual(yield* urlBy({ functionsFile: file, functionUrl, gatewayUrl }), "http://from-file")
      assert.strictEqual(yield* urlBy({ functionUrl, gatewayUrl }), "http://from-template/echo")
    })
  )

  it.effect("is missed with an error that names the three settings", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(Layer.build(provider({})))
      for (const setting of ["functions_file", "function_url", "gateway_url"])
        assert.include(message, setting)
      const relative = yield* Effect.flip(Layer.build(provider({ gatewayUrl: "gateway:8080" })))
      assert.include(relative.message, 'gateway_url is "gateway:8080"')
    })
  )
})
