import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { distinct, prepare } from "../support/AdaptiveQueue.ts"
import * as ConsumerDeletions from "../support/ConsumerDeletions.ts"
import * as FunctionsYaml from "../support/FunctionsYaml.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers } from "../support/NatsServers.ts"
import * as Places from "../support/Places.ts"
import * as QueueState from "../support/QueueState.ts"
import { spawnProgram, startWorker } from "../support/Sluice.ts"

describe("a function that says 429 when its places are taken", () => {
  it.live("gets as many calls as it has places, few more, and does all of them", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(5)
      const run = yield* prepare(fn.server.url)
      yield* run.publishMany("few", 300)
      yield* run.startWorker
      yield* fn.hasTaken(5)
      yield* fn.hasRefused(1)
      for (let done = 1; done <= 100; done++) {
        fn.gate.release(1)
        yield* fn.hasTaken(5 + done)
      }
      expect(fn.held()).toBe(5)
      fn.gate.open()
      yield* fn.hasDone(300)
      yield* run.finished
      expect([fn.taken.length, distinct(fn.taken)]).toEqual([300, 300])
      expect(fn.refused.length).toBeLessThan(40)
    })
  )

  it.live("gets more when places are added, and less when they go", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(3)
      const run = yield* prepare(fn.server.url)
      yield* run.publishMany("moody", 120)
      yield* run.startWorker
      yield* fn.hasTaken(3)
      yield* fn.hasRefused(1)

      fn.resize(8)
      yield* fn.hasTaken(8)
      expect(fn.held()).toBe(8)

      fn.resize(2)
      const refused = fn.refused.length
      fn.gate.release(7)
      yield* fn.hasTaken(9)
      for (let done = 1; done <= 30; done++) {
        fn.gate.release(1)
        yield* fn.hasTaken(9 + done)
      }
      expect(fn.refused.length - refused).toBeLessThan(30)
      fn.gate.open()
      yield* fn.hasDone(120)
      yield* run.finished
      expect(distinct(fn.taken)).toBe(120)
    })
  )

  it.live("gets no burst while it has no place at all", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(0)
      const run = yield* prepare(fn.server.url)
      yield* run.publishMany("closed", 60)
      yield* run.startWorker
      yield* fn.hasRefused(5)
      // One at a time; on a machine that stands still for a moment the next may leave before the 429 is read.
      expect(fn.server.maxInFlight()).toBeLessThanOrEqual(3)
      expect(distinct(fn.refused)).toBeLessThanOrEqual(3)
      fn.resize(4)
      fn.gate.open()
      yield* fn.hasDone(60)
      yield* run.finished
      expect(distinct(fn.taken)).toBe(60)
    })
  )

  it.live("says so for ever: few probes, nobody else is affected, and its calls expire", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(0)
      const healthy = yield* HttpFunction.start()
      const receiver = yield* HttpFunction.start()
      const { path } = yield* FunctionsYaml.write([
        { name: "full", url: fn.server.url },
        { name: "healthy", url: healthy.url }
      ])
      const run = yield* prepare("http://127.0.0.1:1", { functions_file: path, max_call_age: "2s" })
      for (const id of ["a", "b"]) yield* run.publish("full", id, `${receiver.url}/${id}`)
      yield* run.startWorker
      yield* fn.hasRefused(1)
      yield* run.publishMany("healthy", 200)
      yield* healthy.ended(200)
      yield* receiver.received(2)
      yield* run.finished

      expect(receiver.requests.map((request) => request.header("X-Function-Status"))).toEqual(["429", "429"])
      expect(receiver.requests.map((request) => request.header("X-Retry"))).toEqual(["0", "0"])
      const letters = yield* run.stranger.deadLetters
      expect(letters.map(({ headers }) => headers["Sluice-Reason"])).toEqual(["expired", "expired"])
      expect(run.account.deliveries).toBe(202)
      const startedAt = fn.server.requests.map((request) => request.startedAt)
      const inSecondFrom = (from: number) => startedAt.filter((at) => at >= from && at < from + 1000).length
      expect(Math.max(...startedAt.map(inSecondFrom))).toBeLessThanOrEqual(6)
    })
  )
})

describe.concurrent("a rejected call", () => {
  it.live("has used no attempt", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(0)
      const receiver = yield* HttpFunction.start()
      const run = yield* prepare(fn.server.url, { max_retry_attempts: "0" })
      yield* run.publish("busy", "a", receiver.url)
      yield* run.startWorker
      yield* fn.hasRefused(5)
      fn.resize(1)
      fn.gate.open()
      const [callback] = yield* receiver.received(1)
      expect(callback?.header("X-Function-Status")).toBe("200")
      expect(callback?.header("X-Retry")).toBe("0")
      yield* run.finished
      expect(yield* run.stranger.deadLetters).toEqual([])
      expect(run.account.deliveries).toBe(1)
    })
  )

  it.live("goes out before newer ones", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(0)
      const run = yield* prepare(fn.server.url)
      yield* run.publish("busy", "old")
      yield* run.startWorker
      yield* fn.hasRefused(1)
      const newer = ["new-1", "new-2", "new-3", "new-4"]
      yield* Effect.forEach(newer, (id) => run.publish("busy", id))
      yield* fn.hasRefused(2)
      fn.resize(1)
      fn.gate.open()
      yield* fn.hasDone(5)
      yield* run.finished
      // Once there is a place, one of the others may come to it while this one is out and refused a last time.
      expect(fn.refused.slice(0, 2)).toEqual(["old", "old"])
      expect(fn.taken.toSorted()).toEqual([...newer, "old"])
    })
  )

  it.live("does not keep a slot from other functions while it waits", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(0)
      const healthy = yield* HttpFunction.start()
      const { path } = yield* FunctionsYaml.write([
        { name: "full", url: fn.server.url },
        { name: "healthy", url: healthy.url }
      ])
      const run = yield* prepare("http://127.0.0.1:1", { functions_file: path, max_inflight: "1" })
      yield* run.publish("full", "a")
      yield* run.startWorker
      yield* fn.hasRefused(1)
      yield* run.publishMany("healthy", 50)
      yield* healthy.ended(50)
      fn.resize(1)
      fn.gate.open()
      yield* fn.hasDone(1)
      yield* run.finished
      expect(run.account.deliveries).toBe(51)
    })
  )

  it.live("is handed back at once when its worker is told to stop, and another worker executes it", () =>
    Effect.gen(function* () {
      const full = yield* Places.start(0)
      const roomy = yield* HttpFunction.start()
      const run = yield* prepare(full.server.url)
      yield* run.publish("busy", "a")
      const first = yield* spawnProgram(["worker"], run.environment)
      yield* full.hasRefused(1)
      yield* startWorker({ ...run.environment, function_url: `${roomy.url}/{name}` })
      expect(yield* first.end("SIGTERM")).toBe(0)
      const [request] = yield* roomy.received(1)
      expect(request?.header("X-Call-Id")).toBe("a")
      yield* run.finished
      expect(run.stranger.settlements).toMatchObject([
        { kind: "nak", delayMillis: undefined },
        { kind: "ack" }
      ])
    })
  )
})

describe.concurrent.each(servers)("on $name", ({ bin }) => {
  it.live("a rejected call is kept by its worker for longer than ack_wait and delivered exactly once", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(0)
      const receiver = yield* HttpFunction.start()
      const run = yield* prepare(fn.server.url, { ack_wait: "1s" }, bin)
      const deletions = yield* ConsumerDeletions.watch(run.stranger)
      yield* run.publish("closed", "a", receiver.url)
      yield* run.startWorker
      yield* fn.hasRefused(1)
      yield* deletions.outlast(2500)
      // Were it not kept alive, whoever asks would get it now.
      const [consumer] = yield* QueueState.consumers(run.stranger)
      const next = `$JS.API.CONSUMER.MSG.NEXT.${QueueState.streamName}.${consumer?.name}`
      const body = JSON.stringify({ batch: 1, no_wait: true })
      const answer = yield* Effect.promise(() => run.stranger.connection.request(next, body))
      expect(answer.headers?.code).toBe(404)
      fn.resize(1)
      fn.gate.open()
      const [callback] = yield* receiver.received(1)
      expect(callback?.header("X-Retry")).toBe("0")
      yield* run.finished
      expect(run.account.deliveries).toBe(1)
      expect(run.stranger.settlements).toMatchObject([{ kind: "ack" }])
      expect(fn.taken).toEqual(["a"])
    })
  )
})
