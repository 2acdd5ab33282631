import { Effect } from "effect"

/** Counts events and wakes those who wait for a number of them. */
export class ArrivalCounter {
  #count = 0
  readonly #waiting = new Set<() => void>()

  get count(): number {
    return this.#count
  }

  add(): void {
    this.#count++
    this.#waiting.forEach((wake) => wake())
  }

  /** Waits until `count` events have happened since the start. */
  atLeast(count: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const wake = () => {
        if (this.#count < count) return
        this.#waiting.delete(wake)
        resume(Effect.void)
      }
      this.#waiting.add(wake)
      wake()
      return Effect.sync(() => this.#waiting.delete(wake))
    })
  }
}
