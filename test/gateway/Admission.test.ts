import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { Admission } from "../../src/gateway/Admission.ts"

describe("admission", () => {
  it.effect("never lets in more than its limit, unless one alone is larger, and gives everything back", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(fc.nat(200_000), { maxLength: 40 }), (sizes) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const admission = new Admission(300_000)
              yield* Effect.scoped(
                Effect.forEach(sizes, (size) =>
                  Effect.map(admission.admit(size), (admitted) => {
                    expect(admission.admittedBytes).toBeLessThanOrEqual(300_000)
                    return admitted
                  })
                )
              )
              expect(admission.admittedBytes).toBe(0)
            })
          )
        )
      )
    )
  )

  it.effect("lets one in that is larger than the limit, but only alone", () =>
    Effect.gen(function* () {
      const admission = new Admission(100_000)
      expect(yield* Effect.scoped(admission.admit(1_000_000))).toBe(true)
      yield* Effect.scoped(
        Effect.gen(function* () {
          expect(yield* admission.admit(1)).toBe(true)
          expect(yield* admission.admit(1_000_000)).toBe(false)
        })
      )
      expect(yield* Effect.scoped(admission.admit(1_000_000))).toBe(true)
    })
  )
})
