import type { Signal } from "./Outcome.ts"

/** What an actor tells its limiter. Counts include the event itself: `inFlight` is after it. */
export type Event =
  | { readonly _tag: "Dispatched"; readonly inFlight: number }
  | {
      readonly _tag: "Answered"
      readonly signal: Signal
      readonly latencySeconds: number
      readonly inFlight: number
    }
  /** The time `wakeAt` asked for has come. */
  | { readonly _tag: "Tick" }
  /** How many calls wait for a permit. */
  | { readonly _tag: "Backlog"; readonly waiting: number }

/** Decides how many calls of one function may be in flight: a pure reducer over the state `S`. */
export interface Limiter<S> {
  readonly initial: S
  /** `nowSeconds` is monotonic, from any origin. */
  step(state: S, event: Event, nowSeconds: number): S
  /** Permits now; 0 means the function is closed. */
  limit(state: S): number
  /** When to send a `Tick`, in the seconds of `step`; `Infinity` for never. */
  wakeAt(state: S): number
}

/** A limiter that keeps its limit whatever happens. */
export const fixed = (limit: number): Limiter<number> => ({
  initial: limit,
  step: (state) => state,
  limit: (state) => state,
  wakeAt: () => Number.POSITIVE_INFINITY
})
