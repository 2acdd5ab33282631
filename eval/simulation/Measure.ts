import type { Scenario } from "../scenarios/Scenario.ts"
import { quantile } from "./Quantile.ts"
import type { Answered, Change } from "./Recorder.ts"
import { patience, type Run } from "./Simulation.ts"

/** What one run came to. Times are seconds; `undefined` where a number makes no sense. */
export interface Measures {
  readonly makespan: number | undefined
  readonly t95: number | undefined
  readonly attempts: number
  readonly rejected: number
  readonly timeouts: number
  /** Rejections in the worst second. */
  readonly worstBurst: number
  /** From each rise of a scheduled capacity until nine tenths of it were used. */
  readonly rises: ReadonlyArray<number | undefined>
  /** Rejections in the ten seconds after each scheduled fall. */
  readonly falls: ReadonlyArray<number>
  readonly p95Latency: number
  /** Jain's index of completions by worker, from the last joining until 95 % of the calls are done. */
  readonly jain: number | undefined
  /** The longest a worker went without a completion in that time, or since it joined. */
  readonly longestGap: number
  readonly longestDetour: number
  readonly mostReplicas: number
  /** How often a 5xx lowered a limit. */
  readonly loweredByFailure: number
  /** Attempts that left before Retry-After was over although nothing was in flight. */
  readonly early: number
  /** The most a limit was above the most that worker ever had in flight. */
  readonly limitAbovePeak: number
  /** How far attempts under way ever were above the largest capacity, as a share of it. */
  readonly overshoot: number
}

const isWithin = (from: number, to: number) => (answer: Answered) => answer.time >= from && answer.time < to

const worstBurst = (rejected: ReadonlyArray<Answered>): number => {
  let first = 0
  let worst = 0
  for (const [last, { time }] of rejected.entries()) {
    while ((rejected[first]?.time ?? time) < time - 1) first++
    worst = Math.max(worst, last - first + 1)
  }
  return worst
}

/** Scheduled capacities with the time of the next change; the first is a rise from nothing. */
const steps = ({ backend }: Scenario) => {
  const slots = backend._tag === "Replicas" ? backend.slots : 1
  return backend.schedule.map(({ at, count }, index) => {
    const before = backend.schedule[index - 1]?.count ?? 0
    const until = backend.schedule[index + 1]?.at ?? Number.POSITIVE_INFINITY
    return { at, capacity: count * slots, isRise: count > before, until }
  })
}

const timeToUse = (
  running: ReadonlyArray<Change>,
  { at, capacity, until }: { readonly at: number; readonly capacity: number; readonly until: number }
): number | undefined => {
  const used = running.find(({ time, value }) => time >= at && value >= 0.9 * capacity)
  return used !== undefined && used.time < until ? used.time - at : undefined
}

const jainIndex = (counts: ReadonlyArray<number>): number | undefined => {
  const sum = counts.reduce((total, count) => total + count, 0)
  const squares = counts.reduce((total, count) => total + count ** 2, 0)
  return squares === 0 ? undefined : sum ** 2 / (counts.length * squares)
}

const longestGap = (times: ReadonlyArray<number>, from: number, to: number): number => {
  const inside = [from, ...times.filter((time) => time > from && time < to), to]
  return inside.reduce((longest, time, index) => Math.max(longest, time - (inside[index - 1] ?? time)), 0)
}

export const measure = ({ scenario, makespan, t95, recorder }: Run): Measures => {
  const { answers } = recorder
  const rejected = answers.filter(({ kind }) => kind === "rejected")
  const succeeded = answers.filter(({ kind }) => kind === "success")
  const contendedUntil = t95 ?? patience
  const lastJoin = Math.max(...scenario.joins)
  const byWorker = scenario.joins.map((_, worker) => succeeded.filter((answer) => answer.worker === worker))
  const schedule = steps(scenario)
  const largest = Math.max(...recorder.capacity.map(({ value }) => value))
  return {
    makespan,
    t95,
    attempts: answers.length,
    rejected: rejected.length,
    timeouts: answers.filter(({ kind }) => kind === "timeout").length,
    worstBurst: worstBurst(rejected),
    rises: schedule.filter(({ isRise }) => isRise).map((step) => timeToUse(recorder.running, step)),
    falls: schedule
      .filter(({ isRise }) => !isRise)
      .map(({ at }) => rejected.filter(isWithin(at, at + 10)).length),
    p95Latency:
      succeeded.length === 0
        ? 0
        : quantile(
            succeeded.map(({ latency }) => latency),
            0.95
          ),
    jain:
      scenario.joins.length === 1 || lastJoin >= contendedUntil
        ? undefined
        : jainIndex(byWorker.map((answers) => answers.filter(isWithin(lastJoin, contendedUntil)).length)),
    longestGap: Math.max(
      ...byWorker.map((answers, worker) => {
        const times = answers.map(({ time }) => time)
        return longestGap(times, scenario.joins[worker] ?? 0, contendedUntil)
      })
    ),
    longestDetour: recorder.longestDetour,
    mostReplicas: recorder.mostReplicas,
    loweredByFailure: recorder.loweredByFailure,
    early: recorder.early,
    limitAbovePeak: recorder.limitAbovePeak,
    overshoot: Math.max(0, recorder.mostInFlight / largest - 1)
  }
}
