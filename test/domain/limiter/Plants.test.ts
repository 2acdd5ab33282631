import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  BUDGET_BURST,
  JITTER,
  LOSS_MAX,
  PROBE_MAX,
  RAMP_MOST,
  RAMP_TIME,
  SUCCESSES_PER_REJECTION,
  YIELD_PART
} from "../../../src/domain/limiter/Constants.ts"
import { pace } from "../../../src/domain/limiter/Pace.ts"
import { coreOnly } from "../../../src/domain/limiter/State.ts"
import { Model } from "./Model.ts"
import { after } from "./scenarios.ts"

/** It has seen that the function says 429. */
const small = after({ capacity: 1, replicas: 1, service: 0.5, rejection: 0.005 }, 5)

/** How far silence alone takes it in so many seconds. */
const confirmed = (rejectLatency: number, seconds: number): number => {
  const limiter = pace()
  const fresh = limiter.initial(0)
  const { learned } = fresh
  const start = { ...fresh, learned: { ...learned, evidence: { ...learned.evidence, rejectLatency } } }
  const model = new Model({
    plant: { capacity: 1000, replicas: 1, service: 1000, rejection: 1 },
    waiting: 1000,
    start
  })
  model.serve(seconds)
  return model.state.confirmed
}
describe("PACE, with a function that only rejects when it is full", () => {
  const plant = fc.record({
    capacity: fc.integer({ min: 1, max: 25 }),
    replicas: fc.constant(1),
    service: fc.integer({ min: 300, max: 1000 }).map((millis) => millis / 1000),
    rejection: fc.integer({ min: 1, max: 20 }).map((millis) => millis / 1000)
  })
  const backlog = 1_000_000

  it("3: rejections that come together leave room for all calls that were not rejected, in whatever order they come", () => {
    const calls = fc
      .integer({ min: 2, max: 60 })
      .chain((size) =>
        fc.tuple(fc.constant(size), fc.shuffledSubarray(Array.from({ length: size }, (_, at) => at)))
      )
    fc.assert(
      fc.property(calls, ([size, rejected]) => {
        const plant = { capacity: size, replicas: 1, service: 100, rejection: 0.005 }
        const model = new Model({ plant, waiting: 1000, options: { features: coreOnly }, start: small })
        model.serve(20)
        const { calls } = model
        expect(calls.length).toBe(size)
        for (const at of rejected) {
          const call = calls[at]
          if (call !== undefined) model.respond(call, "rejected")
        }
        expect(model.state.confirmed).toBe(size - rejected.length)
      }),
      { numRuns: 100 }
    )
  })

  it("7: a closed function is found open again within the longest wait between two single calls", () => {
    const closed = fc.integer({ min: 1, max: 60 })
    fc.assert(
      fc.property(plant, fc.nat({ max: 8 }), closed, fc.nat(), (plant, before, closed, seed) => {
        let succeeded = 0
        const model = new Model({ plant, waiting: backlog, options: { seed } }, ({ event }) => {
          if (event._tag === "Answered" && event.kind === "success") succeeded++
        })
        model.serve(before)
        model.run({ _tag: "SetCapacity", capacity: 0 })
        model.serve(closed + plant.service)
        model.run({ _tag: "SetCapacity", capacity: plant.capacity })
        succeeded = 0
        model.serve((1 + JITTER) * LOSS_MAX + 1.1 * (plant.rejection + plant.service))
        expect(succeeded).toBeGreaterThan(0)
      }),
      { numRuns: 60 }
    )
  })

  it("8: failed probes cost no more than the budget, whatever capacity does", () => {
    const stretch = fc.record({
      more: fc.constantFrom(-1, 1, 1, 1, 2),
      seconds: fc.integer({ min: 2, max: 6 })
    })
    const stretches = fc.array(stretch, { minLength: 40, maxLength: 80 })
    fc.assert(
      fc.property(
        plant,
        fc.integer({ min: 5, max: 60 }),
        stretches,
        fc.nat(),
        (usual, service, stretches, seed) => {
          const plant = { ...usual, service }
          let failed = 0
          let succeeded = 0
          let most = 0
          const model = new Model({ plant, waiting: backlog, options: { seed } }, ({ event, settled }) => {
            most = Math.max(most, settled.confirmed)
            if (event._tag !== "Answered") return
            if (event.kind === "success") succeeded++
            else if (
              settled.round !== null &&
              settled.round.rejected < settled.round.sent &&
              settled.loss === null &&
              !settled.ramp.free
            )
              failed++
          })
          for (const { more, seconds } of stretches) {
            model.run({ _tag: "SetCapacity", capacity: Math.max(0, model.plant.capacity + more) })
            model.serve(seconds)
          }
          const earned = (1 / SUCCESSES_PER_REJECTION) * succeeded
          expect(failed).toBeLessThanOrEqual(BUDGET_BURST + earned + model.elapsed / PROBE_MAX + most / 4 + 2)
        }
      ),
      { numRuns: 25 }
    )
  })

  it("10: the longer silence has to last, the slower it grows; where it is short, only so fast as doubles in RAMP_TIME", () => {
    const latency = fc.double({ min: 0.001, max: 0.69, noNaN: true })
    fc.assert(
      fc.property(latency, latency, fc.double({ min: 0.1, max: 3, noNaN: true }), (one, other, seconds) => {
        const slow = Math.max(one, other)
        const fast = Math.min(one, other)
        const sense = 3 * fast + 0.01
        if (sense >= RAMP_MOST * RAMP_TIME)
          expect(confirmed(slow, seconds)).toBeLessThanOrEqual(confirmed(fast, seconds))
        // One by one until a part of it is more than one, and from there e-fold in RAMP_TIME at most.
        const slowStart = RAMP_TIME / Math.max(0.02, sense)
        expect(confirmed(fast, seconds)).toBeLessThanOrEqual(
          (2 * slowStart + 8) * Math.exp(seconds / RAMP_TIME)
        )
      }),
      { numRuns: 100 }
    )
  })

  it("15: within a minute it knows the capacity, but for what it yields, and from there 2 % are rejected at most", () => {
    fc.assert(
      fc.property(plant, fc.nat(), (plant, seed) => {
        let sent = 0
        let rejected = 0
        const model = new Model({ plant, waiting: backlog, options: { seed } }, ({ event }) => {
          if (event._tag === "Dispatched") sent++
          if (event._tag === "Answered" && event.kind === "rejected") rejected++
        })
        model.serve(60)
        const { confirmed } = model.state
        expect(confirmed).toBeLessThanOrEqual(plant.capacity)
        expect(confirmed).toBeGreaterThanOrEqual(plant.capacity - Math.ceil(YIELD_PART * plant.capacity))
        sent = 0
        rejected = 0
        model.serve(60)
        expect(rejected).toBeLessThanOrEqual(sent / (1 + SUCCESSES_PER_REJECTION) + 60 / PROBE_MAX)
      }),
      { numRuns: 25 }
    )
  })
})
