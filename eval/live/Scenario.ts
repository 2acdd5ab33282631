/** How replicas come and go: OpenFaaS's capacity mode. Times in seconds. */
export interface AutoscalerPlan {
  readonly fewest: number
  readonly most: number
  /** Calls that a replica should have in flight. */
  readonly target: number
  /** The part of `target` at which there is another replica. */
  readonly proportion: number
  /** Between two looks. */
  readonly poll: number
  /** Until a new replica is ready. */
  readonly cold: number
  /** It goes by the most calls that were in flight in so many seconds. */
  readonly window: number
}

/** The first wait before a retry, doubled until the longest. */
interface RetryWaits {
  readonly first: number
  readonly most: number
}

/** What OpenFaaS's chart has. */
export const chartWaits: RetryWaits = { first: 10, most: 120 }

/**
 * What the published greedy run must have had: 1500 calls in 300 s at about 16 rejections each are rounds of 10 s
 * in which 50 calls find room.
 */
const publishedWaits: RetryWaits = { first: 10, most: 10 }

/** A load on a function and what stands behind it. Times in seconds. */
export interface Scenario {
  readonly calls: number
  /** Clients that post at the same time. */
  readonly clients: number
  /** How long the function works on a call. */
  readonly work: number
  /** `max_inflight` of a replica: it answers 429 to more. */
  readonly slots: number
  readonly autoscaler: AutoscalerPlan
  /** Waits of the worker before retries. */
  readonly retry: RetryWaits
  /** Of each so many calls one is answered 500 at first, as long as others wait; 0 for none. */
  readonly failingEach: number
  /** How many times faster than what was published. */
  readonly factor: number
}

/**
 * What OpenFaaS published: `sleep` for 2 s, 5 calls a replica, 1 to 10 replicas at nine tenths of that. The
 * autoscaler's poll and cold start were not published: 5 s and 3 s here. All of it `factor` times faster.
 */
export const published = (
  calls: number,
  factor: number,
  { failingEach = 0, waits = publishedWaits }: { failingEach?: number; waits?: RetryWaits } = {}
): Scenario => ({
  calls,
  clients: 4,
  work: 2 / factor,
  slots: 5,
  autoscaler: {
    fewest: 1,
    most: 10,
    target: 5,
    proportion: 0.9,
    poll: 5 / factor,
    cold: 3 / factor,
    window: 45 / factor
  },
  retry: { first: waits.first / factor, most: waits.most / factor },
  failingEach,
  factor
})

/** Replicas that capacity mode asks for when so many calls run. */
export const wanted = (running: number, { fewest, most, proportion, target }: AutoscalerPlan): number =>
  Math.min(most, Math.max(fewest, Math.ceil(running / (target * proportion))))

/** Whether the first attempt at this call (from 0) is answered 500: only while enough others wait. */
export const fails = (index: number, { calls, failingEach }: Scenario): boolean =>
  failingEach > 0 && index % failingEach === failingEach - 1 && index < 0.7 * calls
