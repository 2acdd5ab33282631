import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import * as FunctionLane from "../../src/domain/FunctionLane.ts"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import type { News } from "../../src/domain/limiter/Limiter.ts"
import { Gossip } from "../../src/queue/Gossip.ts"
import { WakeUps } from "../../src/queue/WakeUps.ts"
import { CallsInHand } from "../../src/worker/CallsInHand.ts"
import * as Siblings from "../../src/worker/Siblings.ts"
import { fakeDelivery } from "../support/FakeDelivery.ts"
import * as ListeningLimiter from "../support/ListeningLimiter.ts"

const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", "faas-request"))
const lane = FunctionLane.make(subjects, { name: "echo", namespace: "openfaas-fn" })
const ackWaitMillis = 10_000
const said = { holds: 3, gives: 0, wants: true, finds: 0, turn: 0 }

/** A function that is closed, with calls held; what its worker says, hears and hands back. */
const advised = Effect.gen(function* () {
  const told: Array<Omit<News, "worker">> = []
  const wakeUps: Array<string> = []
  let listener: ((news: News) => void) | undefined
  const layer = Layer.mergeAll(
    Layer.succeed(Gossip, {
      tell: (_, news) => void told.push(news),
      listen: (_, heard) =>
        Effect.acquireRelease(
          Effect.sync(() => void (listener = heard)),
          () => Effect.sync(() => void (listener = undefined))
        )
    }),
    Layer.succeed(WakeUps, { send: (subject) => void wakeUps.push(subject), listen: () => Effect.void })
  )
  const naks: Array<number> = []
  const calls = new CallsInHand((delivery) => Effect.sync(() => delivery.nak(0)))
  const hold = () => calls.hold(fakeDelivery({ nak: (delayMillis) => void naks.push(delayMillis) }))
  const limiter = ListeningLimiter.make()
  let changes = 0
  const adviser = yield* Effect.provide(Siblings.make(ackWaitMillis), layer)
  const served = { lane, throttle: limiter.throttle, calls, changed: () => void changes++ }
  return {
    limiter,
    told,
    wakeUps,
    naks,
    hold,
    changes: () => changes,
    hear: (news: Partial<News>) => listener?.({ worker: "other", ...said, ...news }),
    isListening: () => listener !== undefined,
    run: adviser(served)
  }
})

const started = Effect.tap(advised, ({ run }) => Effect.forkScoped(run, { startImmediately: true }))

describe("a worker tells the others of a function", () => {
  it.effect("once a second while calls are held back and it has news, and nothing otherwise", () =>
    Effect.gen(function* () {
      const { limiter, run, told } = yield* advised
      limiter.is.room = 1
      limiter.is.news = said
      yield* Effect.forkScoped(run, { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      assert.deepEqual(told, [])

      limiter.is.room = 0
      for (let event = 0; event < 100; event++) limiter.tick()
      yield* TestClock.adjust("0 seconds")
      assert.deepEqual(told, [said])
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(told, 11)

      limiter.is.news = undefined
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(told, 11)
    })
  )

  it.effect("also while it has room, when one of them has none and wants some", () =>
    Effect.gen(function* () {
      const { hear, limiter, told } = yield* started
      limiter.is.room = 1
      limiter.is.news = { ...said, wants: false }
      limiter.tick()
      yield* TestClock.adjust("5 seconds")
      const before = told.length
      hear({})
      hear({ holds: 0, wants: false })
      assert.lengthOf(told, before)
      hear({ holds: 0 })
      assert.deepEqual(told.slice(before), [{ ...said, wants: false }])
    })
  )

  it.effect("and its limiter hears what they say, for as long as it serves the function", () =>
    Effect.gen(function* () {
      const { changes, hear, isListening, limiter } = yield* Effect.scoped(
        Effect.tap(started, ({ hear }) => Effect.sync(() => hear({ worker: "other" })))
      )
      assert.deepEqual(limiter.heard, [{ _tag: "Gossip", news: { worker: "other", ...said } }])
      assert.strictEqual(changes(), 1)
      assert.isFalse(isListening())
      hear({})
      assert.lengthOf(limiter.heard, 1)
    })
  )
})

describe("held calls", () => {
  it.effect("go back, and others are woken, when the function has been closed for two ack_wait", () =>
    Effect.gen(function* () {
      const { changes, hear, hold, naks, wakeUps } = yield* started
      hold()
      hold()
      yield* TestClock.adjust("20 seconds")
      hear({})
      assert.deepEqual(naks, [])
      const before = changes()
      yield* TestClock.adjust("1 second")
      assert.deepEqual(naks, [0, 0])
      assert.deepEqual(wakeUps, ["faas-request.echo.openfaas-fn"])
      assert.strictEqual(changes(), before + 1)
    })
  )

  it.effect("go back once in that time: they may come again", () =>
    Effect.gen(function* () {
      const { hear, hold, naks } = yield* started
      for (let second = 0; second < 65; second++) {
        hold()
        hear({})
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(naks.length, 21 + 21 + 21)
    })
  )

  const keeps: ReadonlyArray<readonly [string, (parts: Effect.Success<typeof advised>) => void]> = [
    ["nobody else was heard", () => {}],
    ["the others have no room either", ({ hear }) => hear({ holds: 0 })],
    ["the function is open", ({ hear, limiter }) => (hear({}), void (limiter.is.limit = 1))]
  ]
  it.effect.each(keeps)("stay while %s", ([, second]) =>
    Effect.gen(function* () {
      const parts = yield* started
      parts.hold()
      for (let n = 0; n < 100; n++) {
        second(parts)
        yield* TestClock.adjust("1 second")
      }
      assert.deepEqual(parts.naks, [])
      assert.deepEqual(parts.wakeUps, [])
    })
  )

  it.effect("stay when the others were not heard for some seconds", () =>
    Effect.gen(function* () {
      const { hear, hold, naks } = yield* started
      hold()
      yield* TestClock.adjust("16 seconds")
      hear({})
      yield* TestClock.adjust("80 seconds")
      assert.deepEqual(naks, [])
    })
  )
})
