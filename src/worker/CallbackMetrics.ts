import { Effect } from "effect"
import type { CallbackLane } from "../domain/CallbackLane.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import type { LaneMetrics } from "./LaneMetrics.ts"

/** Of the stream of callbacks. Destinations have no series: callers choose them. */
export const make = Effect.gen(function* () {
  const metrics = yield* Metrics
  const all: LaneMetrics<CallbackLane> = {
    delivered: () => {},
    observe: () => Effect.void,
    discovered: ({ isCurrent }, lanes) =>
      Effect.sync(() => {
        metrics.callbacksWaiting.showWhile(isCurrent)
        metrics.callbacksWaiting.set(lanes.values().reduce((sum, count) => sum + count, 0))
      })
  }
  return all
})
