import type { Timeline } from "./Timeline.ts"

/** Rings for one instant after which a limiter counts as stuck. */
const mostRingsAtOnce = 1000

/** One alarm that is set anew whenever the limiter changes its mind. */
export class Alarm {
  readonly #timeline: Timeline
  readonly #ring: () => void
  #at = Number.POSITIVE_INFINITY
  #ringsAtOnce = 0

  constructor(timeline: Timeline, ring: () => void) {
    this.#timeline = timeline
    this.#ring = ring
  }

  set(at: number): void {
    if (at === this.#at) return
    this.#at = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#ringsAtOnce = at > this.#timeline.now ? 0 : this.#ringsAtOnce + 1
    if (this.#ringsAtOnce > mostRingsAtOnce)
      throw new Error(`A limiter wants to be woken for ever at ${at} s`)
    this.#timeline.at(at, () => {
      if (this.#at !== at) return
      this.#at = Number.POSITIVE_INFINITY
      this.#ring()
    })
  }
}
