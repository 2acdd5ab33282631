import type { Contest } from "./Contest.ts"
import * as Failures from "./Failures.ts"
import * as Ideal from "./Ideal.ts"
import type { Journal } from "./Journal.ts"
import type { Accepted } from "./Load.ts"

/** All that was seen of a run; times are milliseconds of the wall clock. */
export interface Seen {
  readonly postedAt: number
  readonly accepted: ReadonlyArray<Accepted>
  readonly journal: Journal
  readonly depth: ReadonlyArray<readonly [at: number, calls: number]>
  /** Calls in the queue at the end. */
  readonly left: number
}

/** A run in figures. Times in seconds. */
export interface Measured {
  readonly contest: Contest
  /** Calls with a 2xx. */
  readonly finished: number
  /** From the first post to the last acceptance. */
  readonly posted: number
  /** From the first post to the last answer. */
  readonly drain: number
  /** The same for the best schedule over the replicas of this run. */
  readonly ideal: number
  /** The same for a sender who sees free slots, whom the autoscaler follows. */
  readonly best: number
  readonly rejected: number
  readonly rejectedPerCall: number
  /** Accepted calls without a 2xx that are not in the queue either. */
  readonly lost: number
  /** Calls that are in the queue at the end. */
  readonly left: number
  /** 2xx answers beyond the first to a call. */
  readonly repeated: number
  readonly mostOnReplica: number
  readonly mostInFlight: number
  readonly mostReplicas: number
  readonly recovery: Failures.Recovery
}

export const measure = (contest: Contest, seen: Seen): Measured => {
  const { accepted, journal, left, postedAt } = seen
  const { scenario } = contest
  const successes = journal.answered.filter(({ status }) => status === 200)
  const answered = new Set(successes.map(({ call }) => call))
  const unfinished = accepted.filter(({ call }) => !answered.has(call)).length
  const seconds = (at: number) => (at - postedAt) / 1000

  // A call that failed is there again after the wait of its retry.
  const again = journal.answered
    .filter(({ status }) => status !== 200)
    .map(({ at }) => at + scenario.retry.first * 1000)
  const arrivals = [...accepted.map(({ at }) => at), ...again].map(seconds)
  const replicas = journal.replicas.map(({ goneAt, readyAt }) => ({
    from: seconds(readyAt),
    to: seconds(goneAt)
  }))

  return {
    contest,
    finished: answered.size,
    posted: seconds(accepted.at(-1)?.at ?? postedAt),
    drain: seconds(Math.max(postedAt, ...successes.map(({ at }) => at))),
    ideal: Ideal.lastEnd(arrivals, replicas, scenario.slots, scenario.work),
    best: Ideal.best(scenario),
    rejected: journal.rejected.length,
    rejectedPerCall: journal.rejected.length / scenario.calls,
    lost: Math.max(0, unfinished - left),
    left,
    repeated: successes.length - answered.size,
    mostOnReplica: journal.worst,
    mostInFlight: journal.running.reduce((most, [, calls]) => Math.max(most, calls), 0),
    mostReplicas: mostAtOnce(journal.replicas),
    recovery: Failures.recovery(journal, scenario.calls)
  }
}

const mostAtOnce = (replicas: Journal["replicas"]): number =>
  Math.max(
    ...replicas.map(
      ({ readyAt }) => replicas.filter((other) => other.readyAt <= readyAt && other.goneAt > readyAt).length
    )
  )
