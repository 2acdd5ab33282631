import * as fc from "fast-check"
import { expect, it } from "vitest"
import * as MovedCall from "../../src/domain/MovedCall.ts"

it("two calls have two ids to be moved under, also when they are of one sequence in two streams", () => {
  const call = fc.record({
    // Few of each, so that some are the same.
    created: fc
      .integer({ min: 0, max: 5 })
      .map((nanos) => `2026-11-20T12:00:00.${String(nanos).padStart(9, "0")}Z`),
    sequence: fc.integer({ min: 1, max: 5 })
  })
  fc.assert(
    fc.property(call, call, (one, other) => {
      const isSame = one.created === other.created && one.sequence === other.sequence
      const [first, second] = [one, other].map(({ created, sequence }) => MovedCall.id(created, sequence))
      expect(first === second).toBe(isSame)
    })
  )
})
