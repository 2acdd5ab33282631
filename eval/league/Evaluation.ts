import { ablations, contenders, frontier } from "../Contenders.ts"
import { suite } from "../scenarios/Suite.ts"
import type { Finished, Job } from "./Job.ts"
import { workAll } from "./Pool.ts"

/** The seeds of the suite's runs. */
export const seeds: ReadonlyArray<number> = [1, 2, 3, 4, 5]

/** How many random scenarios the league has. */
export const fuzzCases = 300

/** Everything the report tells. */
export interface Evaluation {
  readonly suite: ReadonlyArray<Finished>
  readonly fuzz: ReadonlyArray<Finished>
}

const namesOf = (all: ReadonlyArray<{ readonly name: string }>): ReadonlyArray<string> =>
  all.map(({ name }) => name)

/** The random scenarios of the seeds 1 to `cases`. */
export const fuzzJobs = (cases: number, names: ReadonlyArray<string>): ReadonlyArray<Job> =>
  Array.from({ length: cases }, (_, index) => ({
    scenario: `F${index + 1}`,
    contenders: names,
    seeds: [index + 1],
    pictures: []
  }))

const suiteJobs = (names: ReadonlyArray<string>): ReadonlyArray<Job> =>
  suite.map(({ name }) => ({
    scenario: name,
    contenders: name === "S17" ? names.concat(namesOf(frontier)) : names,
    seeds,
    pictures: namesOf(contenders)
  }))

/** Runs everything there is: a few minutes on two cores. */
export const evaluate = async (): Promise<Evaluation> => {
  const names = namesOf(contenders).concat(namesOf(ablations))
  const jobs = suiteJobs(names)
  const finished = await workAll(jobs.concat(fuzzJobs(fuzzCases, names)))
  return { suite: finished.slice(0, jobs.length), fuzz: finished.slice(jobs.length) }
}
