import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { named, ourContenders, peers } from "../../eval/Contenders.ts"
import { fuzzed } from "../../eval/scenarios/Fuzz.ts"
import { replicas, scenario } from "../../eval/scenarios/Scenario.ts"
import { scenarioNamed, suite } from "../../eval/scenarios/Suite.ts"
import { bimodal, constant, draw, exponentially, logNormal } from "../../eval/scenarios/WorkTime.ts"
import { measure } from "../../eval/simulation/Measure.ts"
import { sourceFor } from "../../eval/simulation/Random.ts"
import { simulate } from "../../eval/simulation/Simulation.ts"
import { fixedContender } from "./support.ts"

const oracleSeconds = (name: string): number => {
  const made = [1, 2, 3, 4, 5].map((seed) => simulate(scenarioNamed(name), "oracle", seed).makespan ?? 0)
  return made.reduce((sum, seconds) => sum + seconds / made.length, 0)
}

describe("the oracle", () => {
  it("takes as long as published in every scenario", () => {
    // Scenarios were published by their description; 7 % is what the heavy tails leave open.
    const published = [
      46, 110, 46, 83, 50, 60, 48, 77, 66, 90, 99, 69, 72, 64, 48, 87, 43, 64, 11, 58, 95, 20, 77, 93, 205
    ]
    const ratios = suite.map(({ name }, index) => [name, oracleSeconds(name) / (published[index] ?? 0)])
    expect(ratios.filter(([, ratio]) => Math.abs(Number(ratio) - 1) > 0.07)).toEqual([])
  })

  it("needs no more rounds than there are", () => {
    const rounds = scenario("T", "four rounds", {
      calls: 40,
      work: constant(1),
      backend: replicas(5, [[0, 2]])
    })
    // A millisecond on the way in every round, and one on the way back from the last.
    expect(simulate(rounds, "oracle", 1).makespan).toBeCloseTo(4.005, 5)
  })

  it("is beaten by nobody where order does not matter", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom("greedy", "aimd", "pace"),
        (seed, name) => {
          const even = { ...fuzzed(seed), work: constant(0.5), failing: 0 }
          const oracle = simulate(even, "oracle", seed).makespan ?? Number.NaN
          const made = simulate(even, named(name), seed).makespan ?? Number.POSITIVE_INFINITY
          expect(made).toBeGreaterThanOrEqual(oracle * 0.99)
        }
      ),
      { numRuns: 30, seed: 1 }
    )
  })
})

it("every attempt is answered and every call is done once, whatever the contender and the scenario", () => {
  const contenders = [...ourContenders, ...peers].map(({ name }) => name)
  fc.assert(
    fc.property(fc.integer({ min: 301, max: 600 }), fc.constantFrom(...contenders), (seed, name) => {
      const one = fuzzed(seed)
      const { makespan, recorder } = simulate(one, named(name), seed)
      const calls = one.arrivals.reduce((sum, arrivals) => sum + arrivals.calls, 0)
      if (makespan === undefined) return
      expect(recorder.answers.filter(({ kind }) => kind === "success")).toHaveLength(calls)
      expect(recorder.running.every(({ value }) => value >= 0)).toBe(true)
    }),
    { numRuns: 30, seed: 1 }
  )
})

it("the same arguments give the same run, another seed another one", () => {
  const [one, again, other] = [1, 1, 2].map(
    (seed) => simulate(scenarioNamed("S3"), named("greedy"), seed).recorder.answers
  )
  expect(again).toEqual(one)
  expect(other).not.toEqual(one)
})

it("all contenders have the same work to do", () => {
  const heavy = { ...scenarioNamed("S11"), arrivals: [{ at: 0, calls: 50, every: 0 }] }
  const longest = (limit: number) => simulate(heavy, fixedContender(limit), 3).recorder.longestWork
  expect(longest(1)).toBe(longest(10))
})

it("work times have the mean they were asked for", () => {
  for (const work of [constant(2), exponentially(2), logNormal(2, 0.8), bimodal(2)]) {
    const random = sourceFor("test", 1)
    let sum = 0
    for (let index = 0; index < 40_000; index++) sum += draw(work, random)
    expect(sum / 40_000).toBeGreaterThan(1.94)
    expect(sum / 40_000).toBeLessThan(2.06)
  }
})

it("measures what a run says: bursts, rises, falls, fairness and gaps", () => {
  const steps = scenario("T", "5 slots become 10 and 0", {
    calls: 60,
    work: constant(1),
    backend: replicas(5, [
      [0, 1],
      [3, 2],
      [5.5, 0],
      [8, 2]
    ]),
    joins: [0, 0]
  })
  const backoff = { first: 0.25, most: 0.25, least: 1 }
  const made = measure(simulate(steps, fixedContender(5, { rejected: "keep permit", backoff }), 1))
  expect(made.rises.map((rise) => rise !== undefined && rise < 0.6)).toEqual([true, true, true])
  expect(made.falls).toHaveLength(1)
  expect(made.falls[0]).toBeGreaterThan(50)
  expect(made.worstBurst).toBeGreaterThanOrEqual(20)
  expect(made.jain).toBeGreaterThan(0.8)
  expect(made.longestGap).toBeGreaterThan(2)
  expect(made.mostReplicas).toBe(2)
  expect(made.overshoot).toBe(0)
})
