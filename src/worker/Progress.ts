import type { Flight } from "./Throttle.ts"

/** What is told of a delivery while it is processed. */
export interface Progress extends Flight {
  /**
   * It has a result that cannot be stored now: it waits with it, its slot is for others, and its lane gets no
   * new work meanwhile. May be said more than once.
   */
  readonly stuck: () => void
}
