import { type Law, isDrop } from "./Peer.ts"

const most = 1000

interface Reno {
  readonly window: number
  /** Below it the window doubles in a round trip, above it grows by one. */
  readonly slowStartUntil: number
  /** What left up to here does not shrink the window again: one cut for each window of losses. */
  readonly recoverUntil: number
}

/** Textbook TCP Reno on calls instead of segments, from a window of one. */
export const reno: Law<Reno> = {
  name: "Reno",
  initial: () => ({ window: 1, slowStartUntil: Number.POSITIVE_INFINITY, recoverUntil: 0 }),
  sample: (reno, { kind, seq, lastSeq, inFlightNow }) => {
    const { window, slowStartUntil, recoverUntil } = reno
    if (isDrop(kind)) {
      if (seq <= recoverUntil) return reno
      const half = Math.max(1, window / 2)
      return { window: half, slowStartUntil: half, recoverUntil: lastSeq }
    }
    if (kind !== "success" || inFlightNow + 1 < Math.floor(window)) return reno
    return { ...reno, window: Math.min(most, window + (window < slowStartUntil ? 1 : 1 / window)) }
  },
  limit: ({ window }) => window
}
