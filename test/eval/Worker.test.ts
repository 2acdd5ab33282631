import { expect, it } from "vitest"
import type { Event } from "../../src/domain/limiter/Limiter.ts"
import { cores, replicas, scenario, workers } from "../../eval/scenarios/Scenario.ts"
import { constant } from "../../eval/scenarios/WorkTime.ts"
import type { Cell } from "../../eval/simulation/Cell.ts"
import type { Contender } from "../../eval/simulation/Contender.ts"
import { simulate } from "../../eval/simulation/Simulation.ts"
import { fixedContender } from "./support.ts"

const oneSlot = scenario("T", "one slot", { calls: 4, work: constant(1), backend: replicas(1, [[0, 1]]) })

const eventsOf = (scenario_: typeof oneSlot, contender: Contender) => {
  const events: Array<{
    readonly at: number
    readonly event: Event
    readonly inFlight: number
    readonly waiting: number
  }> = []
  const run = simulate(scenario_, contender, 1, {
    watch: (_, at, event, { inFlight, waiting }) => events.push({ at, event, inFlight, waiting })
  })
  return { run, events }
}

it("never has more calls in flight than its limit, nor than its cap", () => {
  const busy = scenario("T", "room for all", { calls: 100, backend: replicas(100, [[0, 1]]), maxInFlight: 7 })
  const most = (limit: number) =>
    Math.max(...eventsOf(busy, fixedContender(limit)).events.map(({ inFlight }) => inFlight))
  expect(most(5)).toBe(5)
  expect(most(50)).toBe(7)
})

it("tells its limiter the counts after each event, and every dispatch and answer once", () => {
  const { events } = eventsOf(oneSlot, fixedContender(1))
  const told = events.flatMap(({ event, inFlight, waiting }) =>
    event._tag === "Dispatched" || event._tag === "Answered"
      ? [[event._tag, event.seq, inFlight, waiting]]
      : []
  )
  expect(told).toEqual([
    ["Dispatched", 1, 1, 3],
    ["Answered", 1, 0, 3],
    ["Dispatched", 2, 1, 2],
    ["Answered", 2, 0, 2],
    ["Dispatched", 3, 1, 1],
    ["Answered", 3, 0, 1],
    ["Dispatched", 4, 1, 0],
    ["Answered", 4, 0, 0]
  ])
})

it("a held call goes out first and counts as waiting until then", () => {
  const { run, events } = eventsOf(oneSlot, fixedContender(2))
  const rejected = events.find(({ event }) => event._tag === "Answered" && event.kind === "rejected")
  expect(rejected?.waiting).toBe(3)
  // With its own permit free at once it tries again and again, every few milliseconds.
  expect(run.recorder.answers.filter(({ kind }) => kind === "rejected").length).toBeGreaterThan(100)
  expect(run.makespan).toBeCloseTo(4, 1)
})

it("no call overtakes a held one", () => {
  const late = {
    ...oneSlot,
    backend: replicas(1, [
      [0, 0],
      [1, 1]
    ])
  }
  const { run } = eventsOf(late, fixedContender(1))
  expect(run.makespan).toBeCloseTo(5, 1)
  expect(run.recorder.longestDetour).toBeLessThan(1.1)
})

const rejectionsAtOnce = (rejected: Contender["rejected"]): number => {
  const backoff = { first: 0.9, most: 0.9, least: 1 }
  const { run } = eventsOf(oneSlot, fixedContender(2, { rejected, backoff }))
  return run.recorder.answers.filter(({ kind, time }) => kind === "rejected" && time < 0.1).length
}

it("a call in back-off keeps its permit or gives it to the next one, as the contender says", () => {
  expect(rejectionsAtOnce("keep permit")).toBe(1)
  expect(rejectionsAtOnce("free permit")).toBe(3)
})

it("a call in back-off waits for Retry-After when that is longer", () => {
  const asking = { ...oneSlot, backend: replicas(1, [[0, 1]], { retryAfter: 5 }) }
  const { events } = eventsOf(asking, fixedContender(4, { rejected: "keep permit" }))
  const sent = events.filter(({ event }) => event._tag === "Dispatched").map(({ at }) => at)
  expect(sent.filter((at) => at > 0 && at < 5)).toEqual([])
})

it("a call that timed out is tried again, and its late answer is nobody's", () => {
  const slow = scenario("T", "one core", {
    calls: 2,
    work: constant(1),
    backend: cores([[0, 1]], 1),
    timeout: 1.5
  })
  const { run, events } = eventsOf(slow, fixedContender(2))
  const kinds = events.flatMap(({ event }) => (event._tag === "Answered" ? [event.kind] : []))
  expect(kinds.filter((kind) => kind === "timeout").length).toBeGreaterThanOrEqual(2)
  expect(kinds.filter((kind) => kind === "success")).toHaveLength(2)
  const counts = events.filter(({ event }) => event._tag !== "Tick").map(({ inFlight }) => inFlight)
  expect(Math.min(...counts)).toBe(0)
  expect(counts.at(-1)).toBe(0)
  // The second attempts; both first ones were done at 2 s.
  expect(run.makespan).toBeGreaterThan(2.5)
})

const opensNever: Cell = {
  step: () => {},
  room: () => 0,
  limit: () => 0,
  wakeAt: () => Number.POSITIVE_INFINITY,
  news: () => undefined,
  state: () => undefined
}

/** Closed until it is woken at the times given; then it lets one call out. */
const opensAt =
  (times: ReadonlyArray<number>): Contender["start"] =>
  () => {
    let left = times
    let open = 0
    return {
      ...opensNever,
      step: (event, now) => {
        if (event._tag === "Dispatched") open--
        if (event._tag !== "Tick" || now < (left[0] ?? Number.POSITIVE_INFINITY)) return
        left = left.slice(1)
        open++
      },
      room: () => open,
      wakeAt: () => left[0] ?? Number.POSITIVE_INFINITY
    }
  }

it("wakes its limiter when that asked for it", () => {
  const { events } = eventsOf(oneSlot, fixedContender(0, { start: opensAt([3, 8, 21, 40]) }))
  const sent = events.filter(({ event }) => event._tag === "Dispatched").map(({ at }) => at)
  expect(sent).toEqual([3, 8, 21, 40])
})

/** Lets one call out and is closed for ever after. */
const sendsOne: Contender["start"] = () => {
  let left = 1
  return { ...opensNever, step: ({ _tag }) => void (left -= Number(_tag === "Dispatched")), room: () => left }
}

const theFirstWorks: Contender["start"] = (setting) =>
  setting.now === 0 ? fixedContender(1).start(setting) : sendsOne(setting)

it("a worker closed for two minutes gives its held call to the others", () => {
  const two = { ...oneSlot, arrivals: [{ at: 0, calls: 130, every: 0 }], joins: workers(2, 0.5) }
  const { run, events } = eventsOf(two, fixedContender(1, { start: theFirstWorks }))
  expect(events.filter(({ event }) => event._tag === "Answered" && event.kind === "rejected")).toHaveLength(1)
  expect(run.makespan).toBeGreaterThan(120)
  expect(run.makespan).toBeLessThan(135)
})

it("a limiter that wants to be woken for ever at one instant is found out", () => {
  const contender = fixedContender(0, { start: () => ({ ...opensNever, wakeAt: () => 1 }) })
  expect(() => eventsOf(oneSlot, contender)).toThrow("woken for ever")
})
