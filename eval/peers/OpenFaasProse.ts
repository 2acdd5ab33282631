import type { Law } from "./Peer.ts"

const most = 1000
const margin = 0.9
const consecutive = 3
/** Seconds without a rejection after which it grows faster, and between two raises without any reason. */
const calm = 10
const raiseEvery = 5

interface OpenFaas {
  readonly limit: number
  readonly rejectedInARow: number
  readonly rejectedAt: number
  readonly raisedAt: number
}

/**
 * Our reconstruction of the queue-worker of OpenFaaS Pro from the prose of its announcement; the constants are
 * guesses, its code is not public. It starts at 0 (one call at a time), grows on 2xx, faster after a time
 * without rejections, drops to a margin below what it found only after several 429s in a row, and raises its
 * limit now and then while calls wait.
 */
export const openFaasProse: Law<OpenFaas> = {
  name: "OpenFaaS prose",
  initial: (now) => ({ limit: 0, rejectedInARow: 0, rejectedAt: now, raisedAt: now }),
  sample: (state, { now, kind, inFlightNow }) => {
    if (kind === "rejected") {
      const rejectedInARow = state.rejectedInARow + 1
      if (rejectedInARow < consecutive) return { ...state, rejectedInARow, rejectedAt: now }
      const found = Math.max(1, Math.min(state.limit, inFlightNow))
      return { ...state, limit: Math.max(1, found * margin), rejectedInARow: 0, rejectedAt: now }
    }
    if (kind !== "success") return state
    const isUsed = inFlightNow + 1 >= Math.floor(state.limit)
    const step = now - state.rejectedAt >= calm ? 1 : 1 / Math.max(1, state.limit)
    const isDue = isUsed && now - state.raisedAt >= raiseEvery
    const limit = Math.min(most, state.limit + (isUsed ? step : 0) + (isDue ? 1 : 0))
    return { ...state, limit, rejectedInARow: 0, raisedAt: isDue ? now : state.raisedAt }
  },
  limit: ({ limit }) => Math.max(1, limit)
}
