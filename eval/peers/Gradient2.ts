import { type Law, clamp } from "./Peer.ts"
import { type Average, average, include } from "./Average.ts"

const initial = 20
/** The library's own least limit is 20, which cannot work where a replica has five slots. */
const least = 1
const most = 200
const smoothing = 0.2
const queue = 4
const tolerance = 1.5
const longWindow = 600
/** Seconds of a window, and the samples below which it is thrown away with all that was in it. */
const windowSeconds = 1
const windowSamples = 10

interface Gradient2 {
  readonly limit: number
  readonly long: Average
  readonly nextUpdate: number
  readonly count: number
  readonly sum: number
  readonly maxInFlight: number
}

const update = (state: Gradient2, short: number, inFlight: number): Gradient2 => {
  const included = include(state.long, short)
  const long = included.value / short > 2 ? { ...included, value: included.value * 0.95 } : included
  const { limit } = state
  if (inFlight < limit / 2) return { ...state, long }
  const gradient = clamp((tolerance * included.value) / short, 0.5, 1)
  const smoothed = limit * (1 - smoothing) + (limit * gradient + queue) * smoothing
  return { ...state, long, limit: clamp(smoothed, least, most) }
}

/**
 * Netflix concurrency-limits, Gradient2Limit behind WindowedLimit: compares the mean latency of a second with
 * that of long ago and always allows for a queue of four. Drops count as samples of their latency, no more.
 */
export const gradient2: Law<Gradient2> = {
  name: "Gradient2",
  initial: () => ({
    limit: initial,
    long: average(longWindow, 10),
    nextUpdate: 0,
    count: 0,
    sum: 0,
    maxInFlight: 0
  }),
  sample: (state, { now, latency, inFlight }) => {
    const count = state.count + 1
    const sum = state.sum + latency
    const maxInFlight = Math.max(state.maxInFlight, inFlight)
    if (now <= state.nextUpdate) return { ...state, count, sum, maxInFlight }
    const fresh = { ...state, nextUpdate: now + windowSeconds, count: 0, sum: 0, maxInFlight: 0 }
    return count >= windowSamples ? update(fresh, sum / count, maxInFlight) : fresh
  },
  limit: ({ limit }) => limit
}
