/** One call on its way through the simulation. */
export interface Call {
  readonly id: number
  /** Seconds of work: drawn with the call, so that every contender has the same work to do. */
  readonly work: number
  /** How often the function will do the work and then answer 500. */
  failuresLeft: number
  /** Attempts that did not end well; what back-off counts. */
  failedAttempts: number
  /** When it was sent for the first time. */
  firstSent: number | undefined
}

/** What the backend answers to one attempt. */
export interface Reply {
  readonly kind: "success" | "rejected" | "neutral"
  /** Seconds. */
  readonly retryAfter?: number
}
