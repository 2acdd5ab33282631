import type { Call, Reply } from "./Call.ts"

/** What stands behind the function's name. Calls and replies are already past the network. */
export interface Backend {
  /** A call arrives; `reply` is called once. */
  offer(call: Call, reply: (reply: Reply) => void): void
  /** Calls it works on now. */
  readonly running: number
  /** Calls it could work on now without harm; `Infinity` when it never gets slower. */
  readonly capacity: number
  /** Replicas that are ready, as a provider would report them; `undefined` where nobody counts them. */
  readonly replicas: number | undefined
  /** Calls `listener` after `running` or `capacity` changed. */
  onChange(listener: () => void): void
}

/** The listeners of a backend. */
export class Listeners {
  readonly #all: Array<() => void> = []

  add(listener: () => void): void {
    this.#all.push(listener)
  }

  tell(): void {
    for (const listener of this.#all) listener()
  }
}
