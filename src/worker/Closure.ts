/** Seconds: the limiter lets a single call look for room for no longer than this, which is no opening yet. */
const LOOK_MOST = 3

/** For how long a function has been closed, by looks at its limit that come about every second. */
export class Closure {
  #since = 0
  #seenAt = Number.NEGATIVE_INFINITY

  /** Seconds that it has been closed; 0 when it is not closed now. Times in seconds. */
  look(limit: number, now: number): number {
    if (limit > 0) return 0
    if (now - this.#seenAt > LOOK_MOST) this.#since = now
    this.#seenAt = now
    return now - this.#since
  }

  /** Counts from now on. */
  restart(now: number): void {
    this.#since = now
  }
}
