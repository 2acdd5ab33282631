import { named } from "../Contenders.ts"
import { type Picture, pictureOf } from "../report/Picture.ts"
import { fuzzed } from "../scenarios/Fuzz.ts"
import type { Scenario } from "../scenarios/Scenario.ts"
import { scenarioNamed } from "../scenarios/Suite.ts"
import { simulate } from "../simulation/Simulation.ts"
import { type Score, oracleOf, score } from "./Score.ts"

/** One scenario for some contenders; plain data, because it crosses threads. */
export interface Job {
  /** `S1` to `S25`, or `F` and a seed for a random one. */
  readonly scenario: string
  readonly contenders: ReadonlyArray<string>
  readonly seeds: ReadonlyArray<number>
  /** For which contenders to draw the run of the first seed. */
  readonly pictures: ReadonlyArray<string>
}

/** What became of a job, by contender. */
export interface Finished {
  readonly scenario: string
  readonly title: string
  readonly workers: number
  readonly scores: Readonly<Record<string, Score>>
  readonly pictures: Readonly<Record<string, Picture>>
}

/** Pictures end here, in times of the oracle: who is still busy then has lost. */
const longestPicture = 2.5

export const scenarioOf = (name: string): Scenario =>
  /^F\d+$/.test(name) ? fuzzed(Number(name.slice(1))) : scenarioNamed(name)

const byName = <A>(names: ReadonlyArray<string>, make: (name: string) => A): Readonly<Record<string, A>> =>
  Object.fromEntries(names.map((name) => [name, make(name)]))

export const work = ({ scenario: name, contenders, seeds, pictures }: Job): Finished => {
  const scenario = scenarioOf(name)
  const seed = seeds[0] ?? 1
  const end = longestPicture * (oracleOf(scenario, seed).makespan ?? 0)
  return {
    scenario: name,
    title: scenario.title,
    workers: scenario.joins.length,
    scores: byName(contenders, (contender) => score(scenario, named(contender), seeds)),
    pictures: byName(pictures, (contender) =>
      pictureOf(simulate(scenario, named(contender), seed, { limits: true }), end)
    )
  }
}
