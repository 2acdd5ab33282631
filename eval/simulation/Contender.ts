import type { Cell } from "./Cell.ts"
import type { Random } from "./Random.ts"

/**
 * What becomes of a rejected call. `hold`: it stays with the worker and goes out first when there is room, as
 * design.md says for our limiter. `keep permit`: it waits by its own back-off and its permit waits with it, the
 * kindest way to use a library that knows nothing of queues. `free permit`: it waits, and the permit goes to the next
 * call, as a plain queue-worker does.
 */
type Rejected = "hold" | "keep permit" | "free permit"

/** Waits before a message goes out again: `first * 2 ** n` seconds, at most `most`, spread down to `least`. */
interface MessageBackoff {
  readonly first: number
  readonly most: number
  /** The share of the wait that is left when the dice fall lowest. */
  readonly least: number
}

/** Seconds until attempt number `failed + 1`. */
export const wait = (backoff: MessageBackoff, failed: number, random: Random): number =>
  Math.min(backoff.most, backoff.first * 2 ** failed) * (backoff.least + (1 - backoff.least) * random())

/** What a worker knows when it makes its limiter. */
interface Setting {
  /** The worker's cap on calls in flight. */
  readonly maxInFlight: number
  /** A seed of this worker's own. */
  readonly seed: number
  readonly now: number
}

/** A limiter and the way a worker uses it. */
export interface Contender {
  readonly name: string
  readonly title: string
  readonly start: (setting: Setting) => Cell
  readonly rejected: Rejected
  readonly backoff: MessageBackoff
  /** A worker that is limited is told when the number of replicas changes. */
  readonly hinted: boolean
  /** Workers tell each other what they know. */
  readonly gossips: boolean
}

export const halfJitter: MessageBackoff = { first: 0.5, most: 30, least: 0.5 }
