import { Effect, Schedule } from "effect"

const LOOK = Schedule.spaced("20 millis")

/** Who may disturb something now: one at a time. */
export class Turn {
  #taken = false

  /** For a fault that strikes in the middle of something: false when it is somebody else's turn. */
  tryTake(): boolean {
    if (this.#taken) return false
    this.#taken = true
    return true
  }

  release(): void {
    this.#taken = false
  }

  /** Waits for the turn and holds it for as long as the effect runs. */
  during<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.acquireUseRelease(
      Effect.repeat(
        Effect.sync(() => this.tryTake()),
        { until: (taken) => taken, schedule: LOOK }
      ),
      () => effect,
      () => Effect.sync(() => this.release())
    )
  }
}
