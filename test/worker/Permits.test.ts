import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Permits } from "../../src/worker/Permits.ts"

type Step = readonly ["take" | "release" | "resize", number]

const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
  fc.tuple(fc.constantFrom("take" as const, "release" as const, "resize" as const), fc.nat(12))
)

describe("Permits", () => {
  it("are taken up to the limit and no further, however the limit moves", () => {
    fc.assert(
      fc.property(fc.nat(12), steps, (first, steps) => {
        const permits = new Permits(first)
        let limit = first
        let taken = 0
        for (const [step, count] of steps) {
          if (step === "resize") {
            limit = count
            permits.resize(count)
          } else if (step === "release") {
            taken -= Math.min(count, taken)
            permits.release(Math.min(count, permits.taken))
          } else {
            const got = permits.take(count)
            expect(got).toBe(Math.min(count, Math.max(0, limit - taken)))
            taken += got
            if (got > 0) expect(permits.taken).toBeLessThanOrEqual(permits.limit)
          }
          expect(permits).toMatchObject({
            limit,
            taken,
            free: Math.max(0, limit - taken),
            overdrawn: Math.max(0, taken - limit)
          })
        }
        permits.release(permits.taken)
        permits.resize(12)
        expect(permits.take(100)).toBe(12)
      })
    )
  })

  it("that a smaller limit took away come free again one by one, as they are given back", () => {
    const permits = new Permits(4)
    permits.take(4)
    permits.resize(2)
    expect([permits.overdrawn, permits.take(1)]).toEqual([2, 0])
    permits.release(2)
    expect([permits.overdrawn, permits.take(1)]).toEqual([0, 0])
    permits.release(1)
    expect(permits.take(4)).toBe(1)
  })
})
