import { expect, it } from "vitest"
import { fixed } from "../../src/domain/limiter/Fixed.ts"
import type { Event } from "../../src/domain/limiter/Limiter.ts"
import { type Scenario, replicas, scenario, workers } from "../../eval/scenarios/Scenario.ts"
import { constant } from "../../eval/scenarios/WorkTime.ts"
import { cell } from "../../eval/simulation/Cell.ts"
import type { Contender } from "../../eval/simulation/Contender.ts"
import { simulate } from "../../eval/simulation/Simulation.ts"
import { fixedContender } from "./support.ts"

const growing = scenario("T", "1 replica becomes 3", {
  calls: 60,
  work: constant(1),
  backend: replicas(1, [
    [0, 1],
    [5.5, 3]
  ])
})

interface Told {
  readonly worker: number
  readonly at: number
  readonly event: Event
}

const told = (one: Scenario, contender: Contender, tag: Event["_tag"]): ReadonlyArray<Told> => {
  const events: Array<Told> = []
  simulate(one, contender, 1, {
    watch: (worker, at, event) => {
      if (event._tag === tag) events.push({ worker, at, event })
    }
  })
  return events
}

it("a limited worker hears of replicas at its first look and within a second of a change, no oftener", () => {
  const hints = told(growing, fixedContender(1, { hinted: true }), "Hint")
  expect(hints.map(({ event }) => event)).toEqual([
    { _tag: "Hint", replicas: 1 },
    { _tag: "Hint", replicas: 3 }
  ])
  expect(hints[1]?.at).toBeGreaterThan(5.5)
  expect(hints[1]?.at).toBeLessThan(6.5)
  expect(told(growing, fixedContender(1), "Hint")).toEqual([])
})

it("a worker that is not limited hears nothing", () => {
  const idle = { ...growing, arrivals: [{ at: 0, calls: 10, every: 1.5 }] }
  expect(told(idle, fixedContender(1, { hinted: true }), "Hint")).toEqual([])
})

it("what one worker has to say reaches all others that have joined, once a second", () => {
  const talking: Contender = fixedContender(1, {
    gossips: true,
    start: ({ now }) => ({
      ...cell(fixed(1), now),
      // Only the second one, which joins at 2 s, has something to say.
      news: () => (now === 2 ? { holds: 1, gives: 0, wants: true, finds: 0, turn: 0 } : undefined)
    })
  })
  const three = { ...growing, joins: workers(3, 2) }
  const heard = told(three, talking, "Gossip")
  expect(heard.some(({ worker }) => worker === 1)).toBe(false)
  expect(heard.every(({ event }) => event._tag === "Gossip" && event.news.worker === "worker 1")).toBe(true)
  const by = (worker: number) => heard.filter((one) => one.worker === worker).map(({ at }) => at)
  expect(by(2).length).toBeGreaterThan(5)
  expect(Math.min(...by(2))).toBeGreaterThan(4)
  const gaps = by(0)
    .slice(1)
    .map((at, index) => at - (by(0)[index] ?? 0))
  expect(Math.min(...gaps)).toBeCloseTo(1)
  expect(Math.max(...gaps)).toBeCloseTo(1)
})
