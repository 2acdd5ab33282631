import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, References, Result } from "effect"
import { TestClock } from "effect/testing"
import * as FunctionLane from "../../src/domain/FunctionLane.ts"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import { Functions } from "../../src/functions/Functions.ts"
import { CallsInHand } from "../../src/worker/CallsInHand.ts"
import * as ReplicaHints from "../../src/worker/ReplicaHints.ts"
import { ArrivalCounter } from "../support/ArrivalCounter.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as ListeningLimiter from "../support/ListeningLimiter.ts"

const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", "faas-request"))
const lane = FunctionLane.make(subjects, { name: "echo", namespace: "openfaas-fn" })

const provider = (place: { readonly gatewayUrl: string } | { readonly functionUrl: string }) =>
  Effect.map(
    Layer.build(Functions.layer({ ...place, defaultNamespace: "openfaas-fn", secretMountPath: "/nowhere" })),
    Context.get(Functions)
  )

/** A function that an OpenFaaS gateway knows, with calls that are held back, and what its adviser does. */
const advised = Effect.gen(function* () {
  const gateway = yield* HttpFunction.start()
  const real = yield* provider({ gatewayUrl: gateway.url })
  const polls = new ArrivalCounter()
  const adviser = yield* Effect.provideService(ReplicaHints.make, Functions, {
    ...real,
    replicas: (fn) =>
      Effect.ensuring(
        real.replicas?.(fn) ?? Effect.undefined,
        Effect.sync(() => polls.add())
      )
  })
  const limiter = ListeningLimiter.make()
  const lines: Array<string> = []
  const logger = Logger.make(
    ({ logLevel, message }) => void lines.push(`${logLevel} ${JSON.stringify(message)}`)
  )
  let changes = 0
  const served = {
    lane,
    throttle: limiter.throttle,
    calls: new CallsInHand(() => Effect.void),
    changed: () => void changes++
  }
  const answerWith = (status: number, body: string) =>
    gateway.answer((_, response) => void response.writeHead(status).end(body))
  return {
    gateway,
    limiter,
    lines,
    answerWith,
    /** The gateway counts so many from now on. */
    replicas: (count: number) => answerWith(200, JSON.stringify({ name: "echo", availableReplicas: count })),
    /** The counts that the limiter was told. */
    hints: () => limiter.heard.flatMap((event) => (event._tag === "Hint" ? [event.replicas] : [])),
    changes: () => changes,
    /** Waits for the end of so many polls since the start, and for what follows from it at once. */
    polled: (count: number) => Effect.andThen(polls.atLeast(count), Effect.yieldNow),
    start: adviser(served).pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
      Effect.forkScoped({ startImmediately: true })
    )
  }
})

describe("the replicas of a function whose calls are held back", () => {
  it.effect("are counted once a second; the limiter hears the first count, and then changes", () =>
    Effect.gen(function* () {
      const { changes, gateway, hints, polled, replicas, start } = yield* advised
      const counts = [1, 1, 2, 2, 2, 0]
      replicas(1)
      yield* start
      yield* polled(1)
      for (const [index, count] of counts.entries()) {
        replicas(count)
        yield* TestClock.adjust("999 millis")
        assert.lengthOf(gateway.requests, index + 1)
        yield* TestClock.adjust("1 millis")
        yield* polled(index + 2)
      }
      assert.deepEqual(hints(), [1, 2, 0])
      assert.strictEqual(changes(), 3)
      assert.deepEqual(
        new Set(gateway.requests.map(({ url }) => url)),
        new Set(["/system/function/echo?namespace=openfaas-fn"])
      )
    })
  )

  it.effect("are not counted before calls are held back, and not when they are no longer", () =>
    Effect.gen(function* () {
      const { gateway, hints, limiter, polled, replicas, start } = yield* advised
      replicas(1)
      limiter.is.room = 1
      yield* start
      limiter.tick()
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(gateway.requests, 0)

      limiter.is.room = 0
      limiter.tick()
      yield* polled(1)
      limiter.is.waiting = 0
      limiter.tick()
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(gateway.requests, 1)

      replicas(3)
      limiter.is.waiting = 1
      limiter.tick()
      yield* polled(2)
      assert.deepEqual(hints(), [1, 3])
    })
  )

  it.effect("are asked for by one question at a time; one without an answer costs a debug line", () =>
    Effect.gen(function* () {
      const { gateway, hints, lines, polled, replicas, start } = yield* advised
      gateway.answer(() => {})
      yield* start
      yield* gateway.received(1)
      yield* TestClock.adjust("2900 millis")
      assert.deepEqual([gateway.requests.length, lines.length], [1, 0])
      yield* TestClock.adjust("100 millis")
      yield* polled(1)
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /^Debug .*no answer within 3s/)

      replicas(4)
      yield* TestClock.adjust("1 second")
      yield* polled(2)
      assert.deepEqual(hints(), [4])
      assert.lengthOf(lines, 1)
    })
  )

  it.effect("are as before while the gateway says nothing of use, which costs a debug line each", () =>
    Effect.gen(function* () {
      const { answerWith, hints, lines, polled, replicas, start } = yield* advised
      replicas(1)
      yield* start
      yield* polled(1)
      const useless = [
        [503, ""],
        [200, "no JSON"],
        [200, '{"availableReplicas":"many"}'],
        [200, '{"availableReplicas":-1}']
      ] as const
      for (const [index, [status, body]] of useless.entries()) {
        answerWith(status, body)
        yield* TestClock.adjust("1 second")
        yield* polled(index + 2)
      }
      assert.deepEqual(hints(), [1])
      assert.lengthOf(lines, useless.length)
      assert.isTrue(lines.every((line) => line.startsWith("Debug")))

      replicas(1)
      yield* TestClock.adjust("1 second")
      yield* polled(useless.length + 2)
      assert.deepEqual(hints(), [1])
    })
  )

  it.effect("are nobody's business where the provider knows none", () =>
    Effect.gen(function* () {
      const functions = yield* provider({ functionUrl: "http://127.0.0.1:1/{name}" })
      assert.isUndefined(functions.replicas)
      const adviser = yield* Effect.provideService(ReplicaHints.make, Functions, functions)
      const { heard, throttle } = ListeningLimiter.make()
      const served = { lane, throttle, calls: new CallsInHand(() => Effect.void), changed: () => {} }
      yield* Effect.forkScoped(adviser(served), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.deepEqual(heard, [])
    })
  )
})
