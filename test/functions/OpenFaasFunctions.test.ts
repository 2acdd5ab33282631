import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as OpenFaasFunctions from "../../src/functions/OpenFaasFunctions.ts"
import * as HttpFunction from "../support/HttpFunction.ts"

const status = {
  name: "echo",
  namespace: "openfaas-fn",
  image: "echo:1",
  replicas: 1,
  annotations: { "com.openfaas.retry.attempts": "3" },
  labels: { "com.openfaas.scale.max": "5" },
  envVars: { max_inflight: "2" }
}

const echo = { name: "echo", namespace: "openfaas-fn" }

const secretDirectory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "sluice-secrets-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** An OpenFaaS gateway that knows `echo`, and how functions are found through it. */
const started = Effect.gen(function* () {
  const secretMountPath = yield* secretDirectory
  const gateway = yield* HttpFunction.start({
    answer: (_, response) => void response.end(JSON.stringify(status))
  })
  const options = { gatewayUrl: gateway.url, defaultNamespace: "openfaas-fn", secretMountPath }
  const { find, replicas } = yield* OpenFaasFunctions.make(options)
  return { gateway, find, replicas, secretMountPath, answerWith: answerWith(gateway) }
})

const answerWith = (gateway: HttpFunction.HttpFunction) => (code: number, body: string) =>
  gateway.answer((_, response) => void response.writeHead(code).end(body))

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`

describe("the functions of an OpenFaaS gateway", () => {
  it.effect("are called through it, with what it says of them", () =>
    Effect.gen(function* () {
      const { find, gateway } = yield* started
      assert.deepEqual(yield* find(echo), {
        _tag: "Found",
        spec: {
          name: echo,
          url: `${gateway.url}/function/echo`,
          annotations: status.annotations,
          labels: status.labels,
          environment: status.envVars
        }
      })
      assert.strictEqual(gateway.requests[0]?.url, "/system/function/echo?namespace=openfaas-fn")
      assert.isUndefined(gateway.requests[0]?.header("authorization"))
    })
  )

  it.effect("are named with their namespace when it is not the default", () =>
    Effect.gen(function* () {
      const { answerWith, find, gateway } = yield* started
      answerWith(200, JSON.stringify({ name: "hr.pay", annotations: null }))
      const found = yield* find({ name: "hr.pay", namespace: "staging" })
      assert.deepInclude("spec" in found ? found.spec : undefined, {
        url: `${gateway.url}/function/hr.pay.staging`,
        annotations: {},
        labels: {},
        environment: {}
      })
      assert.strictEqual(gateway.requests[0]?.url, "/system/function/hr.pay?namespace=staging")
    })
  )

  it.effect("are asked for with the mounted credentials, also after these have changed", () =>
    Effect.gen(function* () {
      const { find, gateway, secretMountPath } = yield* started
      const mount = (user: string, password: string) =>
        Effect.promise(async () => {
          await writeFile(join(secretMountPath, "basic-auth-user"), `${user}\n`)
          await writeFile(join(secretMountPath, "basic-auth-password"), `${password}\n`)
        })
      yield* mount("admin", "one:two")
      yield* find(echo)
      yield* mount("admin", "three")
      yield* TestClock.adjust("5 seconds")
      yield* find(echo)
      const sent = gateway.requests.map((request) => request.header("authorization"))
      assert.deepEqual(sent, [basic("admin:one:two"), basic("admin:three")])
    })
  )

  it.effect("are remembered for five seconds, unknown ones for two", () =>
    Effect.gen(function* () {
      const { answerWith, find, gateway } = yield* started
      const asked = (seconds: number) =>
        Effect.gen(function* () {
          yield* TestClock.adjust(`${seconds} seconds`)
          const before = gateway.requests.length
          const { _tag } = yield* find(echo)
          return [_tag, gateway.requests.length - before]
        })
      assert.deepEqual(yield* asked(0), ["Found", 1])
      assert.deepEqual(yield* asked(4), ["Found", 0])
      answerWith(404, "")
      assert.deepEqual(yield* asked(1), ["Unknown", 1])
      assert.deepEqual(yield* asked(1), ["Unknown", 0])
      answerWith(503, "")
      assert.deepEqual(yield* asked(1), ["Unavailable", 1])
      answerWith(200, JSON.stringify(status))
      assert.deepEqual(yield* asked(1), ["Found", 1])
    })
  )

  it.effect("are as last known while the gateway fails", () =>
    Effect.gen(function* () {
      const { answerWith, find } = yield* started
      const known = yield* find(echo)
      for (const [code, body] of [
        [500, ""],
        [200, "no JSON"],
        [200, '{"annotations":{"a":1}}'],
        [401, ""]
      ] as const) {
        answerWith(code, body)
        yield* TestClock.adjust("5 seconds")
        assert.deepEqual(yield* find(echo), known)
      }
    })
  )

  it.effect("are called through it also while it cannot be asked; the log says why, once", () =>
    Effect.gen(function* () {
      const { answerWith, find, gateway, secretMountPath } = yield* started
      const warnings = yield* Warnings
      const newWarnings = (code: number, body: string, name: string) =>
        Effect.gen(function* () {
          answerWith(code, body)
          const before = warnings.length
          const fn = { name, namespace: "openfaas-fn" }
          const spec = {
            name: fn,
            url: `${gateway.url}/function/${name}`,
            annotations: {},
            labels: {},
            environment: {}
          }
          assert.deepEqual(yield* find(fn), { _tag: "Unavailable", spec })
          return warnings.slice(before).join("\n")
        })
      assert.include(yield* newWarnings(500, "", "a"), "status 500")
      assert.strictEqual(yield* newWarnings(500, "", "b"), "")
      assert.include(yield* newWarnings(200, "no JSON", "c"), "no OpenFaaS function status")
      assert.include(yield* newWarnings(401, "", "d"), "it wants credentials")
      yield* Effect.promise(() => writeFile(join(secretMountPath, "basic-auth-user"), "admin"))
      yield* Effect.promise(() => writeFile(join(secretMountPath, "basic-auth-password"), "hush"))
      const refused = yield* newWarnings(401, "", "e")
      assert.include(refused, "it refused basic-auth-user")
      assert.notInclude(refused, "hush")
    }).pipe(Effect.provide(collectWarnings()))
  )

  it.effect("are called through it also when nobody listens there", () =>
    Effect.gen(function* () {
      const options = {
        gatewayUrl: "http://127.0.0.1:9",
        defaultNamespace: "openfaas-fn",
        secretMountPath: "/nowhere"
      }
      const { find } = yield* OpenFaasFunctions.make(options)
      assert.strictEqual((yield* find(echo))._tag, "Unavailable")
      assert.include((yield* Warnings).join(), "ECONNREFUSED")
    }).pipe(Effect.provide(collectWarnings()))
  )

  it.effect("are called through it also when it does not answer in time", () =>
    Effect.gen(function* () {
      const { find, gateway } = yield* started
      gateway.answer(() => {})
      const finding = yield* Effect.forkChild(find(echo))
      yield* gateway.received(1)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(finding))._tag, "Unavailable")
      assert.include((yield* Warnings).join(), "no answer within 3s")
    }).pipe(Effect.provide(collectWarnings()))
  )

  it.effect("have as many replicas as it says now, none when it leaves the count out", () =>
    Effect.gen(function* () {
      const { answerWith, find, gateway, replicas } = yield* started
      const counted = (code: number, body: string) => {
        answerWith(code, body)
        return replicas(echo)
      }
      assert.strictEqual(yield* counted(200, '{"replicas":5,"availableReplicas":2}'), 2)
      assert.strictEqual(yield* counted(200, '{"replicas":5,"availableReplicas":3}'), 3)
      assert.strictEqual(yield* counted(200, '{"replicas":5}'), 0)
      assert.isUndefined(yield* counted(404, ""))
      assert.isUndefined(yield* counted(500, ""))
      assert.isUndefined(yield* counted(200, '{"availableReplicas":1.5}'))
      assert.lengthOf(gateway.requests, 6)
      assert.strictEqual((yield* find(echo))._tag, "Found")
    })
  )
})

class Warnings extends Context.Service<Warnings, ReadonlyArray<string>>()("test/Warnings") {}

/** What is logged, as text. */
const collectWarnings = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(JSON.stringify(message)))
  return Layer.merge(Layer.succeed(Warnings, lines), Logger.layer([logger]))
}
