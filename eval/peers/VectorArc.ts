import { type Law, isDrop } from "./Peer.ts"

const initial = 1
const most = 200
const decreaseRatio = 0.9
const weight = 0.4
const deviations = 2.5

interface Arc {
  readonly limit: number
  /** Of the windows before: exponentially weighted. */
  readonly past: { readonly mean: number; readonly variance: number } | undefined
  readonly nextUpdate: number
  readonly count: number
  readonly sum: number
  readonly hadBackPressure: boolean
  readonly reachedLimit: boolean
}

const nextLimit = (
  arc: Arc,
  past: { mean: number; variance: number },
  current: number | undefined
): number => {
  const { limit, hadBackPressure, reachedLimit } = arc
  if (limit < most && reachedLimit && !hadBackPressure && current !== undefined && current <= past.mean) {
    return limit + 1
  }
  const isSlow = (current ?? 0) >= past.mean + deviations * Math.sqrt(past.variance)
  return limit > 1 && (hadBackPressure || isSlow) ? Math.max(1, Math.floor(limit * decreaseRatio)) : limit
}

const learn = (past: { mean: number; variance: number }, value: number) => {
  const delta = value - past.mean
  const variance = (1 - weight) * (past.variance + weight * delta * delta)
  return { mean: past.mean + weight * delta, variance }
}

/**
 * Vector's adaptive request concurrency: once in a mean latency, one more when latency did not rise and the
 * limit was reached, a tenth less after back-pressure or when latency left its usual range. Means are rounded
 * as its own tests do, or it would take rounding errors for trends.
 */
export const vectorArc: Law<Arc> = {
  name: "Vector ARC",
  initial: () => ({
    limit: initial,
    past: undefined,
    nextUpdate: 0,
    count: 0,
    sum: 0,
    hadBackPressure: false,
    reachedLimit: false
  }),
  sample: (before, { now, kind, latency, inFlight }) => {
    const measured = kind === "success" ? 1 : 0
    const arc: Arc = {
      ...before,
      count: before.count + measured,
      sum: before.sum + measured * latency,
      hadBackPressure: before.hadBackPressure || isDrop(kind),
      reachedLimit: before.reachedLimit || inFlight >= before.limit
    }
    const current = arc.count === 0 ? undefined : Math.round((arc.sum / arc.count) * 1e6) / 1e6
    if (arc.past === undefined) {
      if (current === undefined) return arc
      return { ...arc, past: { mean: current, variance: 0 }, nextUpdate: now + current }
    }
    if (now < arc.nextUpdate) return arc
    const past = current === undefined ? arc.past : learn(arc.past, current)
    return {
      limit: nextLimit(arc, arc.past, current),
      past,
      nextUpdate: now + past.mean,
      count: 0,
      sum: 0,
      hadBackPressure: false,
      reachedLimit: false
    }
  },
  limit: ({ limit }) => limit
}
