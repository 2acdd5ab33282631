import type { Limiter } from "../../src/domain/limiter/Limiter.ts"

/** The same limit whatever happens. */
export const fixed = (limit: number): Limiter<null> => ({
  name: `fixed ${limit}`,
  initial: () => null,
  step: (state) => state,
  room: (_, __, { inFlight }) => Math.max(0, limit - inFlight),
  limit: () => limit,
  wakeAt: () => Number.POSITIVE_INFINITY
})
