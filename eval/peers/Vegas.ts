import { type Random, seeded } from "../simulation/Random.ts"
import { type Law, type Sample, clamp, isDrop } from "./Peer.ts"

const initial = 20
const most = 1000
/** It forgets the shortest latency after this many samples for each unit of the limit, less some jitter. */
const probeMultiplier = 30

interface Vegas {
  readonly limit: number
  /** The shortest latency, which is taken for that without load; 0 when unknown. */
  readonly noLoad: number
  readonly samples: number
  readonly jitter: number
  readonly random: Random
}

const spread = (random: Random): number => 0.5 + random() / 2

const nextLimit = ({ limit, noLoad }: Vegas, { kind, latency, inFlight }: Sample): number => {
  const step = Math.max(1, Math.trunc(Math.log10(Math.trunc(limit))))
  if (isDrop(kind)) return limit - step
  if (inFlight * 2 < limit) return limit
  const queue = Math.ceil(limit * (1 - noLoad / latency))
  if (queue <= step) return limit + 6 * step
  if (queue < 3 * step) return limit + step
  return queue > 6 * step ? limit - step : limit
}

/**
 * Netflix concurrency-limits, VegasLimit: holds the queue that latency betrays between two bounds. A sample is
 * tried as the shortest latency before anybody asks whether it was a drop, so a fast 429 becomes just that.
 */
export const vegas = (seed: number): Law<Vegas> => ({
  name: "Vegas",
  initial: () => {
    const random = seeded(seed)
    return { limit: initial, noLoad: 0, samples: 0, jitter: spread(random), random }
  },
  sample: (vegas, sample) => {
    const { limit, noLoad, jitter, random } = vegas
    const samples = vegas.samples + 1
    if (sample.kind === "neutral") return vegas
    if (jitter * probeMultiplier * limit <= samples) {
      return { ...vegas, noLoad: sample.latency, samples: 0, jitter: spread(random) }
    }
    if (noLoad === 0 || sample.latency < noLoad) return { ...vegas, noLoad: sample.latency, samples }
    return { ...vegas, samples, limit: clamp(nextLimit(vegas, sample), 1, most) }
  },
  limit: ({ limit }) => limit
})
