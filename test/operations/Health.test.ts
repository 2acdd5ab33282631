import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Deferred } from "effect"
import { TestClock } from "effect/testing"
import { Health, type Check } from "../../src/operations/Health.ts"
import { problemOf, send } from "../gateway/TestGateway.ts"

const metrics = { contentType: "text/plain; version=0.0.4", text: Effect.succeed("up 1\n") }

const withChecks = (checks: Effect.Effect<ReadonlyArray<Check>>) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(Health.layer({ port: 0, host: "127.0.0.1", checks, metrics }))
    const { port } = Context.get(context, Health)
    return (path: string, method: "GET" | "HEAD" | "POST" = "GET") =>
      send(`http://127.0.0.1:${port}`, path, { method })
  })

const up: Check = { name: "nats", ok: true, detail: "connected" }
const down: Check = { name: "stream", ok: false, detail: "missing" }

describe("the health port", () => {
  it.effect("says that the process is alive whatever the checks say", () =>
    Effect.gen(function* () {
      const ask = yield* withChecks(Effect.succeed([down]))
      assert.strictEqual((yield* ask("/healthz")).status, 200)
    })
  )

  it.effect("says that the program is ready while every check says so", () =>
    Effect.gen(function* () {
      let checks = [up, down]
      const ask = yield* withChecks(Effect.sync(() => checks))
      const notReady = yield* ask("/readyz")
      assert.strictEqual(notReady.status, 503)
      assert.strictEqual(notReady.headers["content-type"], "application/json")
      assert.deepEqual(JSON.parse(notReady.text), { ready: false, checks })
      checks = [up]
      const ready = yield* ask("/readyz?verbose")
      assert.strictEqual(ready.status, 200)
      assert.deepEqual(JSON.parse(ready.text), { ready: true, checks })
    })
  )

  it.effect("is not ready when a check hangs", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const ask = yield* withChecks(Effect.andThen(Deferred.succeed(asked, undefined), Effect.never))
      const answer = yield* Effect.forkChild(ask("/readyz"))
      yield* Deferred.await(asked)
      yield* TestClock.adjust("2 seconds")
      const { status, text } = yield* Fiber.join(answer)
      assert.strictEqual(status, 503)
      assert.include(text, "no result within 2s")
    })
  )

  it.effect("shows the metrics, as Prometheus reads them", () =>
    Effect.gen(function* () {
      const ask = yield* withChecks(Effect.succeed([down]))
      const shown = yield* ask("/metrics")
      assert.deepInclude(shown, { status: 200, text: "up 1\n" })
      assert.strictEqual(shown.headers["content-type"], "text/plain; version=0.0.4")
    })
  )

  it.effect("has nothing else, and is only read", () =>
    Effect.gen(function* () {
      const ask = yield* withChecks(Effect.succeed([up]))
      assert.strictEqual(problemOf(yield* ask("/")).status, 404)
      const post = yield* ask("/healthz", "POST")
      assert.strictEqual(problemOf(post).status, 405)
      assert.strictEqual(post.headers.allow, "GET, HEAD")
      const head = yield* ask("/readyz", "HEAD")
      assert.deepInclude(head, { status: 200, text: "" })
    })
  )
})
