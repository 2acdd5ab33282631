import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Demand } from "../../src/worker/Demand.ts"

const dueTimes = fc.array(fc.nat(2_000), { maxLength: 30 })

describe("Demand", () => {
  it("expects each delayed call once, never early and less than 50 ms late", () => {
    fc.assert(
      fc.property(dueTimes, fc.array(fc.nat(2_000), { maxLength: 10 }), (due, looks) => {
        const demand = new Demand()
        for (const time of due) demand.delay(time)
        for (const now of looks.toSorted((a, b) => a - b)) {
          demand.advance(now)
          expect(demand.expected).toBeLessThanOrEqual(due.filter((time) => time <= now).length)
          expect(demand.expected).toBeGreaterThanOrEqual(due.filter((time) => time <= now - 50).length)
          expect(demand.expected + demand.delayed).toBe(due.length)
        }
        demand.advance(2_050)
        expect([demand.expected, demand.delayed, demand.nextDue()]).toEqual([due.length, 0, Infinity])
      })
    )
  })

  it("asks for discovered calls with requests that wait and that do not, in turns", () => {
    const demand = new Demand()
    demand.discovered(0)
    expect([demand.expected, demand.takeFresh()]).toEqual([0, false])
    const waits = [1, 2, 3].map(() => {
      demand.discovered(2)
      demand.discovered(2)
      const fresh = demand.takeFresh()
      expect(demand.expected).toBe(2)
      demand.nothingThere()
      return fresh
    })
    expect(waits).toEqual([false, true, false])
  })

  it("says when to look for delayed calls: at that time some are due, and none is before", () => {
    fc.assert(
      fc.property(dueTimes, (due) => {
        const demand = new Demand()
        for (const time of due) demand.delay(time)
        let arrived = 0
        while (demand.delayed > 0) {
          const next = demand.nextDue()
          demand.advance(next - 1)
          expect(demand.expected).toBe(arrived)
          demand.advance(next)
          expect(demand.expected).toBeGreaterThan(arrived)
          arrived = demand.expected
        }
        expect(arrived).toBe(due.length)
      })
    )
  })

  it("is never below zero, and a wake-up or a pending call always leaves some", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("published" as const) }),
      fc.record({ do: fc.constant("nothingThere" as const) }),
      fc.record({ do: fc.constant("delivered" as const), count: fc.nat(5) }),
      fc.record({ do: fc.constant("atLeast" as const), count: fc.integer({ min: -5, max: 5 }) })
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const demand = new Demand()
        for (const step of steps) {
          const before = demand.expected
          switch (step.do) {
            case "published":
              demand.published()
              expect(demand.expected).toBe(Math.max(before, 1))
              break
            case "nothingThere":
              demand.nothingThere()
              expect(demand.expected).toBeLessThanOrEqual(1)
              break
            case "delivered":
              demand.delivered(step.count)
              expect(demand.expected).toBe(Math.max(before - 1, step.count))
              break
            case "atLeast":
              demand.atLeast(step.count)
              expect(demand.expected).toBe(Math.max(before, step.count))
          }
          expect(demand.expected).toBeGreaterThanOrEqual(0)
        }
      })
    )
  })

  it("that a wake-up made survives the answer to a request from before, and no later one", () => {
    const demand = new Demand()
    demand.published()
    expect(demand.takeFresh()).toBe(true)
    // The request is on its way when the next call is published.
    demand.published()
    demand.nothingThere()
    expect(demand.expected).toBe(1)
    expect(demand.takeFresh()).toBe(true)
    demand.nothingThere()
    expect([demand.expected, demand.takeFresh()]).toEqual([0, false])
  })

  it("asks with patience for a delayed call, because the server's timer is not ours", () => {
    const demand = new Demand()
    demand.delay(100)
    demand.advance(99)
    expect(demand.takeFresh()).toBe(false)
    demand.advance(100)
    expect(demand.takeFresh()).toBe(true)
  })
})
