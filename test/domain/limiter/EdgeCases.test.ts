import { describe, expect, it } from "vitest"
import {
  BUDGET_BURST,
  JITTER,
  LOSS_MAX,
  LOSS_MIN,
  PAUSE_MAX,
  PROBE_MAX,
  START_PACED
} from "../../../src/domain/limiter/Constants.ts"
import type { Kind } from "../../../src/domain/limiter/Limiter.ts"
import { coreOnly, type State } from "../../../src/domain/limiter/State.ts"
import { counter } from "./counter.ts"
import { Model, type Plant, type Setup, type Step } from "./Model.ts"

const backlog = 1_000_000
const usual: Plant = { capacity: 10, replicas: 1, service: 0.5, rejection: 0.005 }
/** One worker that knows of no others. */
const options = { features: coreOnly }

const started = (
  plant: Partial<Plant> = {},
  more: Partial<Setup> = {},
  watch?: (step: Step) => void
): Model => new Model({ plant: { ...usual, ...plant }, waiting: backlog, options, ...more }, watch)

/** At work for `seconds`. */
const grown = (plant: Partial<Plant> = {}, seconds = 10, watch?: (step: Step) => void): Model => {
  const model = started(plant, {}, watch)
  model.serve(seconds)
  return model
}

const setCapacity = (model: Model, capacity: number): void => model.run({ _tag: "SetCapacity", capacity })

/** Seconds until the limit is at least `level`. */
const secondsTo = (model: Model, level: number, most: number): number => {
  const start = model.elapsed
  while (model.state.confirmed < level && model.elapsed < start + most) model.serve(0.05)
  return model.elapsed - start
}

/** After a first call that was rejected. */
const closedBy = (retryAfter?: number): State => {
  const model = started()
  model.dispatch()
  const [call] = model.calls
  if (call !== undefined) model.respond(call, "rejected", retryAfter)
  return model.state
}

describe("PACE, edge cases", () => {
  it("a function that only ever answers 429 confirms nothing and gets one call every few seconds", () => {
    const confirmed = new Set<number>()
    const model = started({ capacity: 0 }, {}, ({ after, context }) => {
      confirmed.add(after.confirmed)
      expect(context.inFlight).toBeLessThanOrEqual(1)
    })
    model.serve(120)
    expect([...confirmed]).toEqual([0])
    expect(model.dispatches).toBeGreaterThan(120 / (LOSS_MAX * (1 + JITTER) + 0.1))
    expect(model.dispatches).toBeLessThan(10 + 120 / (LOSS_MAX * (1 - JITTER)))
  })

  it("when capacity goes to 0 under running calls, the limit follows them down to 0 at the cost of few rejections", () => {
    const { counts, watch } = counter()
    const model = grown({ service: 5 }, 20, watch)
    expect(model.state.confirmed).toBe(10)
    const before = counts.rejected
    setCapacity(model, 0)
    model.serve(6)
    expect(model.state.confirmed).toBe(0)
    expect(counts.rejected - before).toBeLessThanOrEqual(2 + Math.ceil(6 / LOSS_MIN / 2))
    setCapacity(model, 10)
    expect(secondsTo(model, 10, 10)).toBeLessThanOrEqual(LOSS_MAX * (1 + JITTER) + 1)
  })

  it("where other workers hold exactly the rest, only probes are rejected, and no rejection lowers the limit", () => {
    const model = grown({ capacity: 6 }, 10, ({ after, event, settled }) => {
      if (event._tag !== "Answered" || event.kind !== "rejected") return
      expect(settled.round).not.toBeNull()
      expect(after.confirmed).toBeGreaterThanOrEqual(settled.confirmed)
    })
    const before = model.answers
    model.serve(60)
    expect(model.state.confirmed).toBe(6)
    expect(model.answers - before).toBeGreaterThan((0.97 * 60 * 6) / usual.service)
  })

  it("429s that take longer than the work neither stop it nor are they many", () => {
    const { counts, watch } = counter()
    const model = grown({ service: 0.05, rejection: 0.3 }, 60, watch)
    expect(counts.success).toBeGreaterThan((0.8 * 60 * 10) / 0.05)
    expect(counts.rejected).toBeLessThan(0.03 * counts.success)
    expect(model.state.confirmed).toBeLessThanOrEqual(12)
  })

  it("when 429s become slow, those that come after silence had confirmed their calls undo just that", () => {
    let undone = 0
    const { counts, watch } = counter()
    const model = grown({ service: 2 }, 20, (step) => {
      const { after, context, event, settled } = step
      watch(step)
      if (event._tag !== "Answered" || event.kind !== "rejected" || event.latency < 0.1) return
      if (settled.confirmed <= 10 || settled.round !== null) return
      undone++
      expect(after.confirmed).toBe(Math.min(settled.confirmed, context.inFlight))
    })
    expect(model.state.confirmed).toBe(10)
    model.run({ _tag: "SetSpeed", service: 2, rejection: 0.3 })
    const before = counts.rejected
    model.serve(60)
    expect(undone).toBeGreaterThan(0)
    expect(model.state.confirmed).toBe(10)
    expect(counts.rejected - before).toBeLessThanOrEqual(3 * BUDGET_BURST)
  })

  it("a function that says 429 itself now and then, after its work, keeps at least about one call at work", () => {
    let calls = 0
    const says = (): { kind: Kind; takes: number } => ({
      kind: ++calls % 10 === 0 ? "rejected" : "success",
      takes: 1
    })
    const model = started({}, { says })
    model.serve(240)
    expect(model.answers).toBeGreaterThan(0.9 * 240)
  })

  it("400 rejections at once are one loss at most, and what they leave in flight stays confirmed", () => {
    const losses = new Set<number>()
    const model = grown({ capacity: 500, service: 1 }, 12, ({ after }) => {
      if (after.loss !== null) losses.add(after.loss.since)
    })
    expect(model.calls.length).toBe(500)
    losses.clear()
    for (const call of model.calls.slice(0, 400)) model.respond(call, "rejected")
    expect(model.state.confirmed).toBe(100)
    expect(losses.size).toBeLessThanOrEqual(1)
    expect(secondsTo(model, 500, 20)).toBeLessThanOrEqual(PROBE_MAX * (1 + JITTER) + 2)
  })

  it("capacity that grows tenfold while a probe is out is found within the usual time, and with few rejections", () => {
    const { counts, watch } = counter()
    const model = grown({ capacity: 5 }, 30, watch)
    while (model.state.round === null) model.serve(0.001)
    setCapacity(model, 50)
    const before = counts.rejected
    expect(secondsTo(model, 45, 30)).toBeLessThanOrEqual(PROBE_MAX * (1 + JITTER) + 4)
    model.serve(5)
    expect(model.state.confirmed).toBe(50)
    expect(counts.rejected - before).toBeLessThanOrEqual(BUDGET_BURST)
  })

  it("at maxLimit it neither probes nor asks for ticks", () => {
    const { counts, watch } = counter()
    const model = started({ capacity: 7 }, { options: { ...options, maxLimit: 7 } }, watch)
    model.serve(60)
    expect(model.limit).toBe(7)
    expect(model.room).toBe(0)
    expect(model.limiter.wakeAt(model.state)).toBe(Number.POSITIVE_INFINITY)
    expect(counts.rejected).toBe(0)
  })

  it("where every call times out, one at a time still goes out", () => {
    const model = started({}, { says: () => ({ kind: "timeout", takes: 1 }) })
    model.serve(120)
    expect(model.state.confirmed).toBeLessThanOrEqual(2)
    const before = model.answers
    model.serve(60)
    expect(model.answers - before).toBeGreaterThanOrEqual(59)
  })

  it("a worker that found no room takes over all of it soon after the one that held it was killed", () => {
    const model = grown({ capacity: 0 }, 60)
    setCapacity(model, 20)
    expect(secondsTo(model, 20, 30)).toBeLessThanOrEqual(LOSS_MAX * (1 + JITTER) + 3)
  })

  it("failures after timeouts lower nothing, and the next timeout does", () => {
    const model = grown({ capacity: 12, service: 60 }, 20)
    expect([model.state.confirmed, model.calls.length]).toEqual([12, 12])
    for (const call of model.calls.slice(0, 6)) model.respond(call, "timeout")
    for (const call of model.calls.slice(0, 5)) model.respond(call, "neutral")
    expect(model.state.confirmed).toBe(12)
    for (const call of model.calls) model.respond(call, "timeout")
    expect(model.state.confirmed).toBe(8)
  })

  it.each([
    ["failures that are slow lower nothing", "neutral", 40],
    ["successes that are slow do", "success", 28]
  ] as const)("where nothing is ever rejected, %s", (_, kind, least) => {
    let says: { kind: Kind; takes: number } = { kind: "success", takes: 1 }
    const model = started({}, { says: () => says, options: { ...options, maxLimit: 40 } })
    model.serve(60)
    expect(model.state.confirmed).toBe(40)
    says = { kind, takes: 5 }
    const limits = new Set<number>()
    for (let second = 0; second < 15; second++) {
      model.serve(1)
      limits.add(model.state.confirmed)
    }
    expect(Math.min(...limits)).toBe(least)
  })

  it("the 404s of a deleted function pay for no probe and prove no capacity beyond one round", () => {
    const model = grown()
    model.state = { ...model.state, credit: 0 }
    const { confirmed } = model.state
    for (let times = 0; times < 200; times++) {
      model.dispatch()
      model.run({ _tag: "RespondAll", kind: "neutral" })
    }
    expect(model.state.credit).toBe(0)
    expect(model.state.confirmed).toBeLessThanOrEqual(confirmed + 1)
  })

  it("first calls that wait for a replica to start are not the latency that later ones are compared with", () => {
    const model = started(
      {},
      {
        says: ({ elapsed }) => ({ kind: "success", takes: Math.max(0, 9 - elapsed) + 0.2 }),
        options: { ...options, maxLimit: 40 }
      }
    )
    model.serve(15)
    expect(model.state.confirmed).toBeGreaterThan(START_PACED)
    model.serve(15)
    expect(model.state.confirmed).toBe(40)
    expect(model.state.learned.throughput.best?.latency).toBeLessThan(0.25e6)
  })

  it("answers that come twice or in another order than the calls left only ever make it more careful", () => {
    const inOrder = grown({ service: 100 }, 20)
    const reversed = grown({ service: 100 }, 20)
    for (const call of inOrder.calls.slice(0, 5)) inOrder.respond(call, "rejected")
    for (const call of reversed.calls.slice(0, 5).toReversed()) reversed.respond(call, "rejected")
    expect(reversed.state.confirmed).toBe(inOrder.state.confirmed)
    const { limit } = inOrder
    for (const kind of ["success", "rejected", "neutral", "timeout", "cancelled"] as const)
      for (let which = 0; which < 5; which++) inOrder.run({ _tag: "Repeat", which, kind })
    expect(inOrder.limit).toBeLessThanOrEqual(limit)
    expect(inOrder.state.confirmed).toBeGreaterThanOrEqual(inOrder.calls.length - 1)
  })

  it("rejections far apart that come in the wrong order are no more of a loss than in the right order", () => {
    const model = grown({ capacity: 100, service: 1 }, 20)
    model.run({ _tag: "RespondAll", kind: "success" })
    model.dispatch()
    const { calls } = model
    expect(calls.length).toBe(100)
    model.run({ _tag: "Respond", which: calls.length - 1, kind: "rejected", delay: 0 })
    model.run({ _tag: "Respond", which: 10, kind: "rejected", delay: 0 })
    expect(model.state.loss).toBeNull()
    expect(model.state.learned.evidence.distance).toBeGreaterThanOrEqual(0)
  })

  it("a Retry-After of 0, less than 0 as from a date in the past, or no number is the same as none", () => {
    for (const retryAfter of [0, -5, -1e9, Number.NaN, Number.NEGATIVE_INFINITY])
      expect(closedBy(retryAfter)).toEqual(closedBy())
  })

  it("a Retry-After of ten years, or of no end, is believed for a minute", () => {
    for (const retryAfter of [315_360_000, Number.POSITIVE_INFINITY])
      expect(closedBy(retryAfter).loss?.pausedUntil).toBe(PAUSE_MAX)
  })

  it("a function that limits the rate, and not how many run at once, is used at its rate with a bounded part rejected", () => {
    const { counts, watch } = counter()
    let tokens = 20
    let at = 0
    const says = ({ elapsed }: Model): { kind: Kind; takes: number } => {
      tokens = Math.min(20, tokens + 20 * (elapsed - at))
      at = elapsed
      if (tokens < 1) return { kind: "rejected", takes: 0.005 }
      tokens--
      return { kind: "success", takes: 0.1 }
    }
    const model = started({}, { says }, watch)
    model.serve(120)
    expect(counts.success).toBeGreaterThan(0.6 * 20 * 120)
    expect(counts.rejected).toBeLessThan(0.3 * counts.success)
    expect(model.state.confirmed).toBeLessThanOrEqual(10)
  })
})
