import type { Scenario } from "../scenarios/Scenario.ts"
import type { Contender } from "../simulation/Contender.ts"
import { type Measures, measure } from "../simulation/Measure.ts"
import { patience, simulate } from "../simulation/Simulation.ts"

/** How one contender did in one scenario: means over the seeds. */
export interface Score {
  /** Times the oracle's time; `undefined` when a run never finished. */
  readonly drain: number | undefined
  readonly t95: number | undefined
  /** Share of the attempts. */
  readonly rejected: number
  /** Rejections a second and worker. */
  readonly rejectedRate: number
  readonly timeouts: number
  readonly worstBurst: number
  /** Seconds to nine tenths of the first scheduled capacity, and of the last. */
  readonly firstRise: number | undefined
  readonly lastRise: number | undefined
  /** Rejections in the ten seconds after the first fall. */
  readonly firstFall: number | undefined
  readonly p95Latency: number
  readonly jain: number | undefined
  /** The worst of all seeds. */
  readonly longestGap: number
  /** The worst of all seeds. */
  readonly longestDetour: number
  readonly mostReplicas: number
  /** The rest: the worst of all seeds; see `Measures`. */
  readonly loweredByFailure: number
  readonly early: number
  readonly limitAbovePeak: number
  readonly overshoot: number
  /** Seconds. */
  readonly oracle: number
}

/** The mean; `undefined` as soon as one value is. */
const mean = (values: ReadonlyArray<number | undefined>): number | undefined =>
  values.reduce<number | undefined>(
    (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value / values.length),
    0
  )

const known = (values: ReadonlyArray<number>): number => mean(values) ?? 0

const oracles = new Map<string, Measures>()

/** The oracle's run; kept, because every contender is compared with it. */
export const oracleOf = (scenario: Scenario, seed: number): Measures => {
  const key = `${scenario.name}#${seed}`
  const found = oracles.get(key)
  if (found !== undefined) return found
  const made = measure(simulate(scenario, "oracle", seed))
  oracles.set(key, made)
  return made
}

const ratio = (value: number | undefined, oracle: number | undefined): number | undefined =>
  value === undefined || oracle === undefined ? undefined : value / oracle

const seconds = (made: Measures): number => made.makespan ?? patience

export const score = (scenario: Scenario, contender: Contender, seeds: ReadonlyArray<number>): Score => {
  const runs = seeds.map((seed) => ({
    made: measure(simulate(scenario, contender, seed)),
    oracle: oracleOf(scenario, seed)
  }))
  const of = (pick: (made: Measures) => number) => runs.map(({ made }) => pick(made))
  return {
    drain: mean(runs.map(({ made, oracle }) => ratio(made.makespan, oracle.makespan))),
    t95: mean(runs.map(({ made, oracle }) => ratio(made.t95, oracle.t95))),
    rejected: known(of((made) => made.rejected / made.attempts)),
    rejectedRate: known(of((made) => made.rejected / seconds(made) / scenario.joins.length)),
    timeouts: known(of((made) => made.timeouts)),
    worstBurst: known(of((made) => made.worstBurst)),
    firstRise: mean(runs.map(({ made }) => made.rises[0])),
    lastRise: mean(runs.map(({ made }) => made.rises.at(-1))),
    firstFall: mean(runs.map(({ made }) => made.falls[0])),
    p95Latency: known(of((made) => made.p95Latency)),
    jain: mean(runs.map(({ made }) => made.jain)),
    longestGap: Math.max(...of((made) => made.longestGap)),
    longestDetour: Math.max(...of((made) => made.longestDetour)),
    mostReplicas: known(of((made) => made.mostReplicas)),
    loweredByFailure: Math.max(...of((made) => made.loweredByFailure)),
    early: Math.max(...of((made) => made.early)),
    limitAbovePeak: Math.max(...of((made) => made.limitAbovePeak)),
    overshoot: Math.max(...of((made) => made.overshoot)),
    oracle: known(runs.map(({ oracle }) => oracle.makespan ?? 3000))
  }
}
