import type { Context, Event, Limiter } from "../../src/domain/limiter/Limiter.ts"

/** A step of a limiter, and what it came to. */
export interface Step {
  /** seconds */
  readonly at: number
  readonly event: Event
  readonly context: Context
  readonly limit: number
  readonly wakeAt: number
  readonly state: unknown
}

/** The same limiter, which writes down its steps. */
export const recording = <S>(limiter: Limiter<S>, steps: Array<Step> = []) => {
  const recorded: Limiter<S> = {
    ...limiter,
    step: (before, event, at, context) => {
      const state = limiter.step(before, event, at, context)
      steps.push({ at, event, context, limit: limiter.limit(state), wakeAt: limiter.wakeAt(state), state })
      return state
    }
  }
  return { limiter: recorded, steps }
}
