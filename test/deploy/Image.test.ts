import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, globSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import packageJson from "../../package.json" with { type: "json" }
import { fallbackFor } from "../../src/settings/Setting.ts"
import { table } from "../../src/settings/SettingsTable.ts"
import { eventually } from "../support/Eventually.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { type LogBook, post, spawnCommand } from "../support/Sluice.ts"
import { build, type ImageTree } from "./ImageTree.ts"

const scope = Scope.makeUnsafe()
let image: ImageTree
// A production install: seconds on a machine that has nothing else to do.
beforeAll(async () => {
  image = await Effect.runPromise(Scope.provide(build, scope))
}, 180_000)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** What the lock file says of a package. */
interface Locked {
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly optional?: boolean
}

const repository = join(import.meta.dirname, "..", "..")
const sources = globSync("{bin/*,src/**/*.ts}", { cwd: repository })

it("holds the sources, the package file and the licence, and nothing else", () => {
  expect(image.files().toSorted()).toEqual(["LICENSE", "package.json", ...sources].toSorted())
})

it("holds the packages of production and no others", () => {
  const installed = globSync("**/node_modules/{@*/*,[!@.]*}/package.json", { cwd: join(image.root, "app") })
  const names = new Set(installed.map((file) => posix.dirname(file)))
  const lockFile: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
    readFileSync(join(repository, "package-lock.json"), "utf8")
  )
  const allowed = new Map(
    Object.entries(lockFile.packages).filter(([name, { dev }]) => name !== "" && dev !== true)
  )
  expect([...names].filter((name) => !allowed.has(name))).toEqual([])
  const required = [...allowed].filter(([, { devOptional, optional }]) => !devOptional && !optional)
  expect(required.map(([name]) => name).filter((name) => !names.has(name))).toEqual([])
})

it("runs on the Node of this project, as a user with a number that is not root's", () => {
  expect(image.baseImage).toBe(`node:${packageJson.devDependencies.node}-bookworm-slim`)
  expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
})

it("says what it is in the labels of OCI", () => {
  const ours = Object.entries(image.labels).map(
    ([name, value]) => [name.replace("org.opencontainers.image.", ""), value] as const
  )
  const { description, license, name, version } = packageJson
  expect(Object.fromEntries(ours)).toMatchObject({
    title: name,
    version,
    licenses: license,
    description: description.replace(/\.$/, "")
  })
})

it("exposes the ports the programs listen on", () => {
  const ports = [
    fallbackFor(table.port, "gateway"),
    fallbackFor(table.metricsPort, "worker"),
    fallbackFor(table.metricsPort, "gateway")
  ]
  expect(image.ports).toEqual(ports.map(Number))
})

/** The port a program listens on for a setting, once it does. */
const listeningOn = Effect.fnUntraced(function* (log: LogBook, setting: string) {
  const port = () => log.with("listening").find(({ fields }) => setting in fields)?.fields[setting]
  yield* eventually(`${setting} is there`, () => port() !== undefined)
  return port()
})

/** Sets the tree up as a container has it: owned by somebody else, nothing writable, Node on the PATH. */
const seal = () => {
  const binaries = join(image.root, "usr", "local", "bin")
  mkdirSync(binaries, { recursive: true })
  copyFileSync(process.execPath, join(binaries, "node"))
  execFileSync("chmod", ["-R", "a-w", image.root])
  for (const made of ["usr", "usr/local", "usr/local/bin", "usr/local/bin/node"])
    chmodSync(join(image.root, made), 0o555)
  // Only root may be somebody else; others are as little able to write.
  const [uid, gid] = image.user.split(":").map(Number)
  const user = process.getuid?.() === 0 ? { uid: uid ?? 0, gid: gid ?? 0 } : {}
  return {
    commandOf: ([program = "", ...args]: ReadonlyArray<string>) =>
      [
        join(binaries, program),
        args.map((arg) => (arg.startsWith("/app/") ? join(image.root, arg) : arg))
      ] as const,
    options: (environment: Record<string, string>) => ({
      ...user,
      cwd: join(image.root, image.workdir),
      env: { PATH: binaries, TMPDIR: "/nowhere", ...image.environment, ...environment }
    })
  }
}

it.effect(
  "gateway and worker start in it as another user, on a tree nobody can write, and serve a call",
  () =>
    Effect.gen(function* () {
      const { commandOf, options } = seal()
      const before = readdirSync(image.root, { recursive: true })
      const nats = yield* startNats()
      const fn = yield* HttpFunction.start()
      const start = Effect.fnUntraced(function* (program: string) {
        const [command, args] = commandOf([...image.entrypoint, program])
        const settings = {
          NATS_URL: nats.url,
          function_url: `${fn.url}/{name}`,
          metrics_port: "0",
          port: "0"
        }
        const running = yield* spawnCommand(command, args, options(settings))
        const ports = program === "gateway" ? ["metrics_port", "port"] : ["metrics_port"]
        const [operations, http] = yield* Effect.forEach(ports, (setting) =>
          listeningOn(running.log, setting)
        )
        return { ...running, operations, http }
      })
      const worker = yield* start("worker")
      const gateway = yield* start("gateway")

      const accepted = yield* post(`http://127.0.0.1:${gateway.http}/async-function/hello`, {
        body: "work"
      })
      expect(accepted.status).toBe(202)
      const [request] = yield* fn.received(1)
      expect(request?.body.toString()).toBe("work")

      const [command, args] = commandOf(image.healthcheck)
      const health = (port: unknown, ...more: ReadonlyArray<string>) =>
        spawnSync(command, [...args, ...more], options({ metrics_port: String(port) })).status
      expect(health(worker.operations)).toBe(0)
      expect(health(gateway.operations, "/readyz")).toBe(0)

      expect(yield* gateway.end("SIGTERM")).toBe(0)
      expect(yield* worker.end("SIGTERM")).toBe(0)
      expect(health(worker.operations)).toBe(1)
      expect(readdirSync(image.root, { recursive: true })).toEqual(before)
    }),
  60_000
)

it("ends in order at a signal that comes while the program is loaded", () => {
  const { commandOf, options } = seal()
  const [command, args] = commandOf([...image.entrypoint, "worker"])
  const signalAtLoad = `import { registerHooks } from "node:module"
    const load = (url, context, next) => {
      if (url.endsWith("/src/main.ts")) process.kill(process.pid, "SIGTERM")
      return next(url, context)
    }
    registerHooks({ load })`
  const { signal, status } = spawnSync(
    command,
    ["--import", `data:text/javascript,${encodeURIComponent(signalAtLoad)}`, ...args],
    options({ NATS_URL: "nats://127.0.0.1:1", function_url: "http://127.0.0.1:1/{name}", metrics_port: "0" })
  )
  expect({ signal, status }).toEqual({ signal: null, status: 0 })
})

it("explains itself when it is started without a command", () => {
  const { commandOf, options } = seal()
  const [command, args] = commandOf([...image.entrypoint, ...image.command])
  const { status, stdout } = spawnSync(command, args, { ...options({}), encoding: "utf8" })
  expect(stdout).toContain("gateway")
  expect(status).toBe(0)
  expect(readFileSync(join(image.root, "app", "LICENSE"), "utf8")).toContain("Apache License")
})
