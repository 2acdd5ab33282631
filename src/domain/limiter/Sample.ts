import {
  SAMPLE_DONE,
  SAMPLE_MIN,
  SAMPLE_PASSED,
  SAMPLE_POOL,
  SAMPLE_USE,
  SLOWER_EVIDENCE
} from "./Constants.ts"

/** What calls took at some concurrency. */
export interface Measured {
  readonly at: number
  /** Mean microseconds of the faster calls. */
  readonly latency: number
  /** Calls it was measured on. */
  readonly count: number
}

/**
 * A cohort that is being measured: `size` calls that left one after another after call `after`. Taking
 * whatever comes back first would prefer short calls, and the more so the more had just left; waiting for all
 * of them would let one long call hold everything up. Sums, in whole numbers because they move with every
 * call.
 */
export interface Sample {
  readonly at: number
  readonly after: number
  readonly size: number
  readonly count: number
  readonly inFlight: number
  /** Microseconds. */
  readonly latency: number
}

export const begin = (at: number, after: number): Sample => ({
  at,
  after,
  size: Math.max(SAMPLE_MIN, at),
  count: 0,
  inFlight: 0,
  latency: 0
})

/** Call `seq` came back after `seconds` and leaves `inFlight` others. */
export const add = (sample: Sample, seq: number, seconds: number, inFlight: number): Sample =>
  seq <= sample.after || seq > sample.after + sample.size || !Number.isFinite(seconds)
    ? sample
    : {
        at: sample.at,
        after: sample.after,
        size: sample.size,
        count: sample.count + 1,
        inFlight: sample.inFlight + inFlight + 1,
        latency: sample.latency + Math.max(1, Math.round(1e6 * seconds))
      }

export const isDone = (sample: Sample): boolean => sample.count >= SAMPLE_DONE * sample.size

/** Call `seq` is so much younger that the rest of the cohort will not come back any more. */
export const hasPassed = (sample: Sample, seq: number): boolean =>
  seq > sample.after + SAMPLE_PASSED * sample.size

/** So little of the limit was in use that the sample says nothing about it. */
export const isIdle = (sample: Sample): boolean => sample.inFlight < SAMPLE_USE * sample.at * sample.count

/** Enough came back to see a large change before the cohort is complete: the slow ones are still missing. */
export const isTelling = (sample: Sample): boolean => sample.count >= SLOWER_EVIDENCE && !isIdle(sample)

export const measured = ({ at, count, latency }: Sample): Measured => ({
  at,
  count,
  latency: latency / count
})

/** Both together. Old samples count for no more than SAMPLE_POOL calls, so that the mean can still follow. */
export const mean = (old: Measured, now: Measured): Measured => {
  const count = old.count + now.count
  const latency = (old.latency * old.count + now.latency * now.count) / count
  return { at: now.at, latency, count: Math.min(count, SAMPLE_POOL) }
}
