import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import type { Delivery } from "../../src/queue/Delivery.ts"
import { CallsInHand } from "../../src/worker/CallsInHand.ts"
import { fakeDelivery } from "../support/FakeDelivery.ts"

const ackWaitMillis = 1_000

/** A delivery that knows when it was extended. */
const extended = (now: () => number, streamSequence = 1): Delivery & { readonly times: Array<number> } => {
  const times: Array<number> = []
  return { ...fakeDelivery({ streamSequence, working: () => void times.push(now()) }), times }
}

/** Runs one call from `from` to `to` (milliseconds) and gives the times when it was extended. */
const extensions = Effect.fnUntraced(function* (from: number, to: number) {
  const clock = yield* Clock.Clock
  const running = new CallsInHand(() => Effect.void)
  const origin = clock.currentTimeMillisUnsafe()
  const now = () => clock.currentTimeMillisUnsafe() - origin
  yield* Effect.forkScoped(running.keepAlive(ackWaitMillis), { startImmediately: true })
  const delivery = extended(now)
  yield* TestClock.adjust(from)
  running.add(delivery, clock.currentTimeMillisUnsafe())
  yield* TestClock.adjust(to - from)
  running.delete(delivery)
  yield* TestClock.adjust(2 * ackWaitMillis)
  return delivery.times
})

/** For calls that start at any time and run as long as `durations` says. */
const forCalls = (
  durations: fc.Arbitrary<number>,
  check: (times: ReadonlyArray<number>, from: number, to: number) => void
) =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(fc.nat(3 * ackWaitMillis), durations, (from, duration) =>
        extensions(from, from + duration).pipe(
          Effect.map((times) => void check(times, from, from + duration)),
          Effect.scoped,
          Effect.provide(TestClock.layer()),
          Effect.runPromise
        )
      )
    )
  )

describe("CallsInHand", () => {
  it.effect("a call is extended long before ack_wait passes, for as long as it runs and no longer", () =>
    forCalls(fc.nat(10 * ackWaitMillis), (times, from, to) => {
      const marks = [from, ...times, to]
      marks.slice(1).forEach((mark, index) => {
        const silence = mark - (marks[index] ?? 0)
        expect(silence).toBeGreaterThanOrEqual(0)
        expect(silence).toBeLessThanOrEqual(ackWaitMillis / 2)
      })
    })
  )

  it.effect("a short call costs nothing", () =>
    forCalls(fc.nat(ackWaitMillis / 4 - 1), (times) => expect(times).toEqual([]))
  )

  it("a call that comes again while it is in hand is known, and speaks for its later delivery", () => {
    const calls = new CallsInHand(() => Effect.void)
    let settled = false
    const first = fakeDelivery({ settled: () => settled })
    const [again, other] = [fakeDelivery({ deliveryCount: 2 }), fakeDelivery({ streamSequence: 2 })]
    expect([calls.add(first, 0), calls.add(again, 0), calls.add(other, 0)]).toEqual([true, false, true])
    expect(first.renewal).toBe(again)
    // After a reset of the stream, a sequence is that of another call.
    expect(calls.add(fakeDelivery({ acceptedMillis: 1, streamSequence: 2 }), 0)).toBe(true)
    // What was given back comes again as a new one, which the end of the first must not take away.
    settled = true
    const next = fakeDelivery({ deliveryCount: 3 })
    expect(calls.add(next, 0)).toBe(true)
    calls.delete(first)
    expect(calls.add(fakeDelivery({ deliveryCount: 4 }), 0)).toBe(false)
  })

  it.effect("every call is extended by the one timer, at its own time", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()
      const running = new CallsInHand(() => Effect.void)
      yield* Effect.forkScoped(running.keepAlive(ackWaitMillis), { startImmediately: true })
      const [old, young] = [extended(now, 1), extended(now, 2)]
      running.add(old, now())
      yield* TestClock.adjust(100)
      running.add(young, now())
      yield* TestClock.adjust(150)
      expect([old.times, young.times]).toEqual([[250], []])
      yield* TestClock.adjust(250)
      running.delete(old)
      yield* TestClock.adjust(250)
      expect([old.times, young.times]).toEqual([
        [250, 500],
        [500, 750]
      ])
    })
  )
})
