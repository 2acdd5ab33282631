import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { prepare } from "../support/AdaptiveQueue.ts"
import { eventually } from "../support/Eventually.ts"
import * as FunctionsYaml from "../support/FunctionsYaml.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as Places from "../support/Places.ts"
import { startWorker } from "../support/Sluice.ts"

it.live("limiter_enabled=false: every slot at once, and a 429 is retried later and uses an attempt", () =>
  Effect.gen(function* () {
    const fn = yield* Places.start(0)
    const receiver = yield* HttpFunction.start()
    const run = yield* prepare(fn.server.url, {
      limiter_enabled: "false",
      max_inflight: "20",
      max_retry_attempts: "3",
      initial_retry_wait: "20ms"
    })
    yield* run.publish("greedy", "a", receiver.url)
    yield* run.startWorker
    const [callback] = yield* receiver.received(1)
    expect(callback?.header("X-Function-Status")).toBe("429")
    expect(callback?.header("X-Retry")).toBe("3")
    yield* run.stranger.acked(1)
    expect(run.stranger.settlements.map(({ delayMillis }) => delayMillis)).toEqual([20, 40, 80, undefined])

    fn.resize(100)
    yield* run.publishMany("burst", 20)
    yield* fn.hasTaken(20)
    fn.gate.open()
    yield* run.finished
    expect(fn.server.maxInFlight("/burst/")).toBe(20)
  })
)

it.live("a worker that starts again starts cautious", () =>
  Effect.gen(function* () {
    const fn = yield* Places.start(100)
    const run = yield* prepare(fn.server.url, { shutdown_grace: "0s" })
    yield* run.publishMany("big", 40)
    const first = yield* run.startWorker
    yield* fn.hasTaken(10)
    yield* first.stop
    yield* run.stranger.givenBack(10)
    const asksOfFirst = run.account.asks.length
    expect(run.account.asks[0]?.count).toBe(1)

    yield* startWorker(run.environment)
    yield* fn.hasTaken(fn.taken.length + 2)
    expect(run.account.asks[asksOfFirst]?.count).toBe(1)
    fn.gate.open()
    yield* run.finished
  })
)

it.live("sluice.limit caps what a function gets", () =>
  Effect.gen(function* () {
    const fn = yield* Places.start(100)
    const { path } = yield* FunctionsYaml.write([
      { name: "capped", url: `${fn.server.url}/capped`, limit: 3 }
    ])
    const run = yield* prepare("http://127.0.0.1:1", { functions_file: path })
    yield* run.publishMany("capped", 100)
    yield* run.startWorker
    yield* fn.hasTaken(3)
    fn.gate.open()
    yield* fn.hasDone(100)
    yield* run.finished
    expect([fn.server.maxInFlight(), run.account.most()]).toEqual([3, 3])
  })
)

it.live("max_inflight caps the sum of what all functions get", () =>
  Effect.gen(function* () {
    const gate = new Gate()
    const fn = yield* HttpFunction.start({
      answer: (_, response) => gate.pass().then(() => void response.end())
    })
    const run = yield* prepare(fn.url, { max_inflight: "6" })
    for (const name of ["a", "b", "c"]) yield* run.publishMany(name, 40)
    yield* run.startWorker
    yield* fn.received(6)
    gate.open()
    yield* fn.ended(120)
    yield* run.finished
    expect([fn.maxInFlight(), run.account.most()]).toEqual([6, 6])
    expect(fn.requests).toHaveLength(120)
  })
)

it.live("a sluice.limit that is raised or lowered counts at once, and what was found is not forgotten", () =>
  Effect.gen(function* () {
    const fn = yield* Places.start(100)
    const withLimit = (limit: number) => [{ name: "capped", url: fn.server.url, limit }]
    const { path, rewrite } = yield* FunctionsYaml.write(withLimit(3))
    const run = yield* prepare("http://127.0.0.1:1", { functions_file: path })
    yield* run.publishMany("capped", 60)
    yield* run.startWorker
    yield* fn.hasTaken(3)
    yield* rewrite(withLimit(8))
    yield* fn.hasTaken(8)
    expect(fn.held()).toBe(8)

    yield* rewrite(withLimit(2))
    yield* eventually("no more than two are held", () => {
      if (fn.held() <= 2) return true
      fn.gate.release(1)
      return false
    })
    const taken = fn.taken.length
    fn.gate.release(1)
    yield* fn.hasTaken(taken + 1)
    expect(fn.held()).toBe(2)
    fn.gate.open()
    yield* fn.hasDone(60)
    yield* run.finished
    expect(fn.server.maxInFlight()).toBe(8)
  })
)
