import { Equal } from "effect"

/**
 * How long the server keeps a consumer nobody pulls from, in milliseconds. Up to 2.10 the server counts from
 * the last pull, even while calls run or wait for their retry, so it has to be longer than the longest time
 * a worker may go without one.
 */
export const serverInactiveThreshold = (settings: {
  readonly consumerInactiveThreshold: number
  readonly upstreamTimeout: number
  readonly maxRetryWait: number
  readonly ackWait: number
}): number => {
  const { consumerInactiveThreshold, upstreamTimeout, maxRetryWait, ackWait } = settings
  return Math.max(consumerInactiveThreshold, upstreamTimeout, maxRetryWait, 2 * ackWait) + 60_000
}

/** The server leaves fields with Go's zero value out of its answers. */
const isZeroValue = (value: unknown): boolean =>
  value === undefined ||
  value === 0 ||
  value === "" ||
  value === false ||
  (Array.isArray(value) && value.length === 0)

/** The fields of `wanted` that `existing` has differently: what an update has to send. */
export const changes = (
  existing: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(wanted).filter(([field, value]) => {
      const present = existing[field]
      return !Equal.equals(present, value) && !(isZeroValue(present) && isZeroValue(value))
    })
  )
