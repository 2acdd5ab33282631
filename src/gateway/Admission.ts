import { Effect, type Scope } from "effect"

/** What a request costs beside its body: headers, its connection, its fiber. */
const REQUEST_BYTES = 32 * 1024

/**
 * Admission control: how many bytes of calls may be on their way into the queue at a time, so that a caller who
 * sends faster than JetStream confirms is refused and not collected in memory.
 */
export class Admission {
  readonly limitBytes: number
  #admitted = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get admittedBytes(): number {
    return this.#admitted
  }

  /** Room for a body of so many bytes until the scope closes; false when there is none. */
  admit(bodyBytes: number): Effect.Effect<boolean, never, Scope.Scope> {
    const bytes = REQUEST_BYTES + bodyBytes
    return Effect.suspend(() => {
      // One that is larger than the limit comes in alone, or it would be refused for ever.
      if (this.#admitted > 0 && this.#admitted + bytes > this.limitBytes) return Effect.succeed(false)
      this.#admitted += bytes
      return Effect.as(
        Effect.addFinalizer(() => Effect.sync(() => void (this.#admitted -= bytes))),
        true
      )
    })
  }
}
