import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Company } from "../../src/domain/AttemptRecord.ts"
import { Quarantine } from "../../src/worker/Quarantine.ts"

const companies = fc.constantFrom<Company>("together", "alone")

describe("Quarantine", () => {
  it("has one call that must be alone, or several of which each began a while after the one before", () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ call: fc.nat(5), company: companies, leaves: fc.boolean(), pause: fc.nat(400) })
        ),
        (steps) => {
          const quarantine = new Quarantine<number>()
          const inside = new Map<number, { readonly company: Company; readonly at: number }>()
          let now = 0
          for (const { call, company, leaves, pause } of steps) {
            now += pause
            if (leaves) {
              quarantine.leave(call)
              inside.delete(call)
            } else if (!inside.has(call) && quarantine.enter(call, company, now)) {
              for (const other of inside.values()) expect(now - other.at).toBeGreaterThanOrEqual(250)
              inside.set(call, { company, at: now })
            }
            const alone = [...inside.values()].filter(({ company }) => company === "alone")
            if (alone.length > 0) expect(inside.size).toBe(1)
          }
        }
      )
    ))

  it("lets everybody in who waits long enough", () =>
    fc.assert(
      fc.property(fc.array(companies, { minLength: 1, maxLength: 10 }), (companies) => {
        const quarantine = new Quarantine<number>()
        companies.forEach((company, call) => {
          expect(quarantine.enter(call, company, call)).toBe(true)
          quarantine.leave(call)
        })
      })
    ))
})
