import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { distinct, prepare } from "../support/AdaptiveQueue.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as Places from "../support/Places.ts"

const refusals: ReadonlyArray<readonly [string, Places.Refusal]> = [
  ["a 503 with Retry-After", { status: 503, headers: { "Retry-After": "0" } }],
  ["a 503 by OpenFaaS", { status: 503, headers: { "X-OpenFaaS-Internal": "faas-middleware" } }],
  ["a 429 by OpenFaaS", { status: 429, headers: { "X-OpenFaaS-Internal": "faas-middleware" } }]
]

const failures: ReadonlyArray<readonly [string, Places.Refusal]> = [
  ["a 500", { status: 500 }],
  ["a plain 503", { status: 503 }],
  ["a 503 with a Retry-After that nobody can read", { status: 503, headers: { "Retry-After": "soon" } }]
]

describe.concurrent("what says that there is no room", () => {
  it.live.each(refusals)("%s does: the call waits and has used no attempt", ([, refusal]) =>
    Effect.gen(function* () {
      const fn = yield* Places.start(0, { refusal })
      const receiver = yield* HttpFunction.start()
      const run = yield* prepare(fn.server.url, { max_retry_attempts: "0" })
      yield* run.publish("busy", "a", receiver.url)
      yield* run.startWorker
      yield* fn.hasRefused(2)
      fn.resize(1)
      fn.gate.open()
      const [callback] = yield* receiver.received(1)
      expect(callback?.header("X-Function-Status")).toBe("200")
      expect(callback?.header("X-Retry")).toBe("0")
      yield* run.finished
      expect(yield* run.stranger.deadLetters).toEqual([])
    })
  )

  it.live.each(failures)("%s does not: it uses an attempt and never lowers the limit", ([, failure]) =>
    Effect.gen(function* () {
      const fn = yield* Places.start(6, {
        finish: (response) => void response.writeHead(failure.status, failure.headers).end()
      })
      const run = yield* prepare(fn.server.url, { max_retry_attempts: "0" })
      yield* run.publishMany("failing", 60)
      yield* run.startWorker
      yield* fn.hasTaken(6)
      yield* fn.hasRefused(1)
      // Each that fails makes room for the next, so that six are always there.
      for (let failed = 1; failed <= 40; failed++) {
        fn.gate.release(1)
        yield* fn.hasTaken(6 + failed)
      }
      expect(fn.held()).toBe(6)
      fn.gate.open()
      yield* run.finished
      const letters = yield* run.stranger.deadLetters
      expect(letters).toHaveLength(60)
      expect(distinct(letters.map(({ headers }) => headers["Sluice-Reason"] ?? ""))).toBe(1)
      expect(letters[0]?.headers["Sluice-Reason"]).toBe("exhausted")
    })
  )
})

const tenYears = String(10 * 365 * 24 * 3600)

describe.concurrent("Retry-After", () => {
  it.live.each(["0", "-5", tenYears, "soon", "", "1e999", "99999999999999999999999"])(
    "of %j does no harm",
    (value) =>
      Effect.gen(function* () {
        const fn = yield* Places.start(3, { refusal: { status: 429, headers: { "Retry-After": value } } })
        const run = yield* prepare(fn.server.url)
        yield* run.publishMany("odd", 60)
        yield* run.startWorker
        yield* fn.hasTaken(3)
        yield* fn.hasRefused(1)
        for (let done = 1; done <= 30; done++) {
          fn.gate.release(1)
          yield* fn.hasTaken(3 + done)
        }
        fn.gate.open()
        yield* fn.hasDone(60)
        yield* run.finished
        expect([fn.taken.length, distinct(fn.taken)]).toEqual([60, 60])
        expect(fn.refused.length).toBeLessThan(20)
      })
  )
})
