/** How exactly the times of delayed calls are remembered; a retry comes at most this much later. */
const TICK_MILLIS = 50

/**
 * What an actor believes about calls that wait for it: enough to ask when there is work and not to ask when
 * there is none. It may be wrong in both directions; discovery puts it right.
 */
export class Demand {
  #expected = 0
  #fresh = false
  /** The last request for discovered calls did not wait. */
  #doubted = false
  /** when calls that were given back with a delay come due (in ticks), and how many */
  readonly #delayed = new Map<number, number>()
  #delayedCount = 0

  /** Calls that should be there for the asking. */
  get expected(): number {
    return this.#expected
  }

  /** Calls of ours that wait for their retry. */
  get delayed(): number {
    return this.#delayedCount
  }

  /** At least so many calls wait. */
  atLeast(count: number): void {
    this.#expected = Math.max(this.#expected, count)
  }

  /**
   * The stream holds so many calls that are not ours. A request that does not wait is answered by what the server
   * counts for the consumer, and a server that was killed may count too few; for one that waits it looks into the
   * stream. But only one that does not wait stays without an answer when the consumer must be put right. So they take
   * turns.
   */
  discovered(count: number): void {
    if (count <= 0) return
    if (this.#expected === 0) {
      if (this.#doubted) this.#fresh = true
      this.#doubted = !this.#doubted
    }
    this.atLeast(count)
  }

  /** Somebody has just published; the server may show the call a moment later. */
  published(): void {
    this.#fresh = true
    this.atLeast(1)
  }

  /** Whether the next request should wait for the call that was just published. Asking it forgets it. */
  takeFresh(): boolean {
    const fresh = this.#fresh
    this.#fresh = false
    return fresh
  }

  /** A call has come, with so many behind it that were never delivered. */
  delivered(pending: number): void {
    this.#expected = Math.max(this.#expected - 1, pending)
  }

  /** The server says that nothing is there; a wake-up that came since is newer than that. */
  nothingThere(): void {
    this.#expected = this.#fresh ? 1 : 0
  }

  delay(dueMillis: number): void {
    const tick = Math.ceil(dueMillis / TICK_MILLIS)
    this.#delayed.set(tick, (this.#delayed.get(tick) ?? 0) + 1)
    this.#delayedCount++
  }

  /** Delayed calls whose time has come are expected from now on. */
  advance(nowMillis: number): void {
    if (this.#delayedCount === 0) return
    for (const [tick, count] of this.#delayed) {
      if (tick * TICK_MILLIS > nowMillis) continue
      this.#delayed.delete(tick)
      this.#delayedCount -= count
      this.#expected += count
      // The server's timer and ours are not the same one.
      this.#fresh = true
    }
  }

  /** When the next delayed call comes due, milliseconds; Infinity when none is delayed. */
  nextDue(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const tick of this.#delayed.keys()) earliest = Math.min(earliest, tick * TICK_MILLIS)
    return earliest
  }
}
