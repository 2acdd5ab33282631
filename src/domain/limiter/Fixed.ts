import type { Limiter } from "./Limiter.ts"

/** A limit that stays as it is, whatever happens: what OpenFaaS calls greedy. */
export const fixed = (limit: number): Limiter<null> => ({
  name: `fixed at ${limit}`,
  initial: () => null,
  step: (state) => state,
  room: (_, __, { inFlight }) => Math.max(0, limit - inFlight),
  limit: () => limit,
  wakeAt: () => Number.POSITIVE_INFINITY
})
