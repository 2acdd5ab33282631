import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ratioSampler } from "../../src/telemetry/RatioSampler.ts"

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length })

const traceId = hex(32)

const idOf = (randomness: string) => `0af7651916cd43dd84${randomness}`

describe("which traces are sampled", () => {
  it("is none at 0 and all at 1", () => {
    fc.assert(
      fc.property(traceId, (id) => {
        expect(ratioSampler(0)(id)).toBe(false)
        expect(ratioSampler(1)(id)).toBe(true)
      })
    )
    expect(ratioSampler(0)(idOf("ffffffffffffff"))).toBe(false)
    expect(ratioSampler(1)(idOf("00000000000000"))).toBe(true)
    expect(ratioSampler(1e-300)(idOf("ffffffffffffff"))).toBe(false)
  })

  // The thresholds are OpenTelemetry's own examples: th:8 is a half, th:c a quarter, th:fd70a3d70a3d71 a hundredth.
  it.each([
    [0.5, "7fffffffffffff", "80000000000000"],
    [0.25, "bfffffffffffff", "c0000000000000"],
    [0.01, "fd70a3d70a3d6f", "fd70a3d70a3d71"]
  ])("begins at the threshold of %d", (ratio, below, from) => {
    expect(ratioSampler(ratio)(idOf(below))).toBe(false)
    expect(ratioSampler(ratio)(idOf(from))).toBe(true)
  })

  it("is by the last 56 bits alone, and all of a smaller share are in a larger one", () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(hex(18), hex(14), traceId, ratio, ratio, (head, tail, other, one, another) => {
        const [smaller = 0, larger = 0] = [one, another].toSorted((a, b) => a - b)
        expect(ratioSampler(one)(head + tail)).toBe(ratioSampler(one)(other.slice(0, 18) + tail))
        if (ratioSampler(smaller)(other)) expect(ratioSampler(larger)(other)).toBe(true)
      })
    )
  })
})
