import { expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { chance } from "../../src/demo/Chance.ts"
import { waves } from "../../src/demo/Load.ts"
import { sampleFunctions } from "../../src/demo/SampleFunctions.ts"

it("each call is planned once, and every function gets some", () => {
  fc.assert(
    fc.property(fc.integer({ min: sampleFunctions.length, max: 3000 }), fc.nat(), (calls, seed) => {
      const planned = waves(calls, seed).flat()
      expect(planned).toHaveLength(calls)
      expect(new Set(planned.map(({ call }) => call)).size).toBe(calls)
      expect(new Set(planned.map(({ fn }) => fn)).size).toBe(sampleFunctions.length)
    })
  )
})

it("a plan depends on its seed alone", () => {
  expect(waves(100, 7)).toEqual(waves(100, 7))
  expect(waves(100, 7)).not.toEqual(waves(100, 8))
})

it("chance is in [0, 1), the same for the same arguments, and spread evenly", () => {
  const counts = Array.from({ length: 10 }, () => 0)
  for (let call = 0; call < 10_000; call++) {
    const value = chance(1, `flaky-${call}`, 1)
    expect(value).toBe(chance(1, `flaky-${call}`, 1))
    counts[Math.floor(value * 10)] = (counts[Math.floor(value * 10)] ?? 0) + 1
  }
  expect(counts).toHaveLength(10)
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150)
})

it("a function answers the same attempt the same way in every run with one seed", () => {
  for (const { answer } of sampleFunctions) {
    for (let number = 1; number <= 20; number++) {
      const attempt = { seed: 5, call: "call-1", number }
      expect(answer(attempt)).toEqual(answer(attempt))
    }
  }
})
