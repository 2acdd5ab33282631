import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Limiter from "../../src/domain/Limiter.ts"

const events: fc.Arbitrary<Limiter.Event> = fc.oneof(
  fc.record({ _tag: fc.constant("Dispatched" as const), inFlight: fc.nat() }),
  fc.record({
    _tag: fc.constant("Answered" as const),
    signal: fc.constantFrom("success", "rejected", "neutral", "timeout", "unreachable"),
    latencySeconds: fc.nat(),
    inFlight: fc.nat()
  }),
  fc.constant({ _tag: "Tick" as const }),
  fc.record({ _tag: fc.constant("Backlog" as const), waiting: fc.nat() })
)

describe("Limiter.fixed", () => {
  it("keeps its limit and never asks to be woken, whatever happens", () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(events), (limit, happened) => {
        const limiter = Limiter.fixed(limit)
        const state = happened.reduce((state, event, now) => limiter.step(state, event, now), limiter.initial)
        expect(limiter.limit(state)).toBe(limit)
        expect(limiter.wakeAt(state)).toBe(Number.POSITIVE_INFINITY)
      })
    )
  })
})
