import * as Budget from "./Budget.ts"
import type { Clock } from "./Clock.ts"
import { FULL_DISTANCE, HOLD_MIN, MAX_LIMIT, START_AGE, START_PACED } from "./Constants.ts"
import * as Ramp from "./Ramp.ts"
import * as Random from "./Random.ts"
import * as Sample from "./Sample.ts"
import * as Siblings from "./Siblings.ts"

/** Which of the separable rules are on. The core, rules 1 to 5, 7 and 8, has no switch. */
export interface Features {
  /** Learn how far apart growth comes, as an autoscaler paces it (rule 2). */
  readonly learnedGap: boolean
  /** Tolerate rejections where replicas are picked at random (rule 6). */
  readonly randomPlacement: boolean
  /** Leave room now and then for workers that are not heard of (rule 9). */
  readonly yielding: boolean
  /** Look when a hint comes, and less often otherwise (rule 10). */
  readonly hints: boolean
  /** Share with workers that are heard of (rule 11). */
  readonly sharing: boolean
}

export const everything: Features = {
  learnedGap: true,
  randomPlacement: true,
  yielding: true,
  hints: true,
  sharing: true
}

export const coreOnly: Features = {
  learnedGap: false,
  randomPlacement: false,
  yielding: false,
  hints: false,
  sharing: false
}

export interface Options {
  /** For the jitter; workers should differ. */
  readonly seed: number
  /** The most calls in flight. */
  readonly maxLimit: number
  readonly features: Features
}

export const defaults: Options = { seed: 1, maxLimit: MAX_LIMIT, features: everything }

interface Hint {
  readonly at: number
  readonly replicas: number | null
  /** There was as much room as it promised. */
  readonly isKept: boolean
}

/** What is known of how capacity changes. */
export interface Growth {
  /** When it last did, up or down, and when it last grew. */
  readonly changedAt: number
  readonly grewAt: number
  /** Seconds from one growth to the next, as learned; 0 when unknown. */
  readonly gap: number
  /** How often it was this worker that saw it. */
  readonly finds: number
  /** The latest count of replicas that somebody told. */
  readonly hint: Hint | null
}

/** What rejections and other answers have told. */
export interface Evidence {
  /** Mean seconds from dispatch to 429; 0 before the first. */
  readonly rejectLatency: number
  /** Calls up to this one left before the latest loss: their rejections are old news. */
  readonly cutSeq: number
  /** The latest call whose rejection no probe explains, and when it came. */
  readonly lostSeq: number
  readonly lostAt: number | null
  /** Mean calls from one such rejection to the next. */
  readonly distance: number
  /** The part of the latest losses that turned out to be none. */
  readonly spurious: number
  /** Answers since a timeout made them worth counting, and timeouts among them. */
  readonly answers: number
  readonly timeouts: number
  /** Calls in a row that could not reach the function. */
  readonly unreachable: number
}

/** Capacity is gone, and the limit follows what is in flight down. */
interface Loss {
  readonly since: number
  /** Asked for by Retry-After. */
  readonly pausedUntil: number
}

/** Growth where silence says nothing. */
export interface Throughput {
  /** The concurrency that may be reached without another measurement. */
  readonly ceiling: number
  readonly best: Sample.Measured | null
  /** What a raised limit brought so far, while that is in doubt. */
  readonly trial: Sample.Measured | null
  /** No growth before this time, and how many seconds the next such time will be. */
  readonly holdUntil: number
  readonly hold: number
}

/** A limit that lives with rejections. */
export interface Tolerance {
  /** The limit, with its fraction. */
  readonly level: number
  /** Share of the latest calls that were rejected. */
  readonly share: number
  /** Rejections since the last other answer. */
  readonly inRow: number
  readonly experimentAt: number
  readonly experiment: Experiment | null
}

/** A somewhat lower limit for the calls after call `after`. */
export interface Experiment {
  readonly after: number
  readonly rejected: number
  /** The share that was rejected before. */
  readonly before: number
}

/**
 * Everything the limiter knows: plain data, times in the limiter's own seconds. What rarely changes is
 * grouped, because each event copies the outermost object.
 */
export interface State extends Clock {
  /** Of the latest call that left. */
  readonly seq: number
  /** Calls wait for room. */
  readonly wants: boolean
  /** Concurrency that was demonstrated: K. */
  readonly confirmed: number
  readonly round: Ramp.Round | null
  readonly ramp: Ramp.Ramp
  readonly credit: Budget.Credit
  readonly loss: Loss | null
  readonly sample: Sample.Sample
  readonly tolerance: Tolerance | null
  readonly random: Random.Random
  readonly learned: Learned
}

/** What is known of the function and of who else calls it. */
interface Learned {
  readonly growth: Growth
  readonly evidence: Evidence
  readonly throughput: Throughput
  readonly others: Siblings.Others
}

/** The same, with this learnt. */
export const learn = (state: State, news: Partial<Learned>): State => ({
  ...state,
  learned: { ...state.learned, ...news }
})

export const initial = (options: Options, now: number): State => {
  const seen = Number.isFinite(now) ? now : 0
  const random = Random.seeded(options.seed)
  return {
    seen,
    ahead: 0,
    seq: 0,
    wants: false,
    confirmed: 0,
    round: null,
    ramp: Ramp.start(seen),
    credit: Budget.start,
    loss: null,
    sample: { ...Sample.begin(START_PACED, 0), size: START_PACED },
    tolerance: null,
    random,
    learned: {
      growth: { changedAt: seen - START_AGE, grewAt: seen - START_AGE, gap: 0, finds: 0, hint: null },
      evidence: {
        rejectLatency: 0,
        cutSeq: 0,
        lostSeq: -FULL_DISTANCE,
        lostAt: null,
        distance: FULL_DISTANCE,
        spurious: 0,
        answers: 0,
        timeouts: 0,
        unreachable: 0
      },
      throughput: { ceiling: START_PACED, best: null, trial: null, holdUntil: seen, hold: HOLD_MIN },
      others: Siblings.none(seen, Random.value(random))
    }
  }
}
