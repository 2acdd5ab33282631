import { type WorkTime, exponentially } from "./WorkTime.ts"

/** `calls` calls arrive from `at` on, `every` seconds apart. */
interface Arrivals {
  readonly at: number
  readonly calls: number
  readonly every: number
}

/** OpenFaaS' capacity mode: as many replicas as `running / (target * proportion)` asks for. */
export interface AutoscalerPlan {
  readonly most: number
  /** Seconds between two looks. */
  readonly poll: number
  /** Seconds until a new replica is ready, give or take a fifth. */
  readonly cold: number
  readonly target: number
  readonly proportion: number
}

/** Replicas that take `slots` calls each and answer 429 to more. */
export interface ReplicaPlan {
  readonly _tag: "Replicas"
  readonly slots: number
  /** Pooled: a call is rejected only when all are full. Random: when the one that was picked is. */
  readonly placement: "pooled" | "random"
  readonly schedule: ReadonlyArray<{ readonly at: number; readonly count: number }>
  readonly autoscaler: AutoscalerPlan | undefined
  /** Seconds a 429 takes, give or take 30 %. */
  readonly rejectLatency: number
  /** Seconds a 429 asks to wait. */
  readonly retryAfter: number | undefined
}

/** Cores that all calls share: nothing is ever rejected, everything gets slower. */
export interface CorePlan {
  readonly _tag: "Cores"
  readonly schedule: ReadonlyArray<{ readonly at: number; readonly count: number }>
  /** With n calls on c cores each runs at `(c / n) ** thrash` of full speed. */
  readonly thrash: number
}

/** One situation that a limiter has to cope with. */
export interface Scenario {
  readonly name: string
  readonly title: string
  readonly arrivals: ReadonlyArray<Arrivals>
  readonly work: WorkTime
  readonly backend: ReplicaPlan | CorePlan
  /** When each worker joins, in seconds. */
  readonly joins: ReadonlyArray<number>
  /** A worker never has more calls in flight than this. */
  readonly maxInFlight: number
  /** The share of executions that end in a 500. */
  readonly failing: number
  /** Seconds after which a worker gives up on a call; the function goes on with it. */
  readonly timeout: number
}

type Plan = Partial<Omit<Scenario, "arrivals">> & {
  readonly calls: number | ReadonlyArray<Arrivals>
}

/** A scenario with the usual things left out: one worker, calls that wait from the start, no failures. */
export const scenario = (name: string, title: string, { calls, ...plan }: Plan): Scenario => ({
  name,
  title,
  arrivals: typeof calls === "number" ? [{ at: 0, calls, every: 0 }] : calls,
  work: exponentially(1),
  backend: replicas(5, [[0, 5]]),
  joins: [0],
  maxInFlight: 1000,
  failing: 0,
  timeout: Number.POSITIVE_INFINITY,
  ...plan
})

/** Pooled replicas of `slots` slots whose number follows `[seconds, count]` pairs. */
export const replicas = (
  slots: number,
  counts: ReadonlyArray<readonly [number, number]>,
  plan: Partial<ReplicaPlan> = {}
): ReplicaPlan => ({
  _tag: "Replicas",
  slots,
  placement: "pooled",
  schedule: counts.map(([at, count]) => ({ at, count })),
  autoscaler: undefined,
  rejectLatency: 0.003,
  retryAfter: undefined,
  ...plan
})

/** OpenFaaS' published settings: capacity mode at nine tenths of the slots. */
export const capacityMode = (slots: number, most: number, poll: number, cold: number): AutoscalerPlan => ({
  most,
  poll,
  cold,
  target: slots,
  proportion: 0.9
})

export const cores = (counts: ReadonlyArray<readonly [number, number]>, thrash: number): CorePlan => ({
  _tag: "Cores",
  schedule: counts.map(([at, count]) => ({ at, count })),
  thrash
})

/** `count` workers that join `apart` seconds after each other. */
export const workers = (count: number, apart = 0): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, index) => index * apart)
