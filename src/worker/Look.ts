import { Clock, Effect } from "effect"
import type { Unfinished } from "../queue/Backlog.ts"

/** What the stream held when work was looked for. */
export interface Look extends Unfinished {
  /** Whether it may still be shown to people. */
  readonly isCurrent: () => boolean
}

/** A look that fails, or takes as long as JetStream may take to answer, is no reason to show nothing. */
const INTERVALS_SHOWN = 10
const LEAST_SHOWN_MILLIS = 10_000

/**
 * Tells how long what is found may be shown: until looks have failed for ten discovery intervals, at least ten
 * seconds, or the scope has closed. A worker that cannot look or has stopped would go on telling what is over on every other.
 */
export const make = Effect.fnUntraced(function* (discoveryIntervalMillis: number) {
  const clock = yield* Clock.Clock
  let goesOn = true
  yield* Effect.addFinalizer(() => Effect.sync(() => void (goesOn = false)))
  const shownMillis = Math.max(INTERVALS_SHOWN * discoveryIntervalMillis, LEAST_SHOWN_MILLIS)
  const nowMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  return (found: Unfinished): Look => {
    const lookedAt = nowMillis()
    const isCurrent = () => goesOn && nowMillis() - lookedAt <= shownMillis
    return { ...found, isCurrent }
  }
})
