import { Effect } from "effect"
import type { Lane } from "../domain/Lane.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import type { CallsInHand } from "./CallsInHand.ts"
import type { Demand } from "./Demand.ts"
import type { PullWindow } from "./PullWindow.ts"
import type { Throttle } from "./Throttle.ts"

export interface Parts {
  readonly window: PullWindow
  readonly demand: Demand
  readonly throttle: Throttle
  readonly calls: CallsInHand
}

/** Lets the state of an actor be read whenever metrics are collected; the series go with the scope. */
export const observe = Effect.fnUntraced(function* (
  { key }: Pick<Lane, "key">,
  { window, demand, throttle, calls }: Parts
) {
  const metrics = yield* Metrics
  yield* Effect.acquireRelease(
    Effect.sync(() => [
      metrics.invocationsInFlight.watch(() => throttle.inFlight, key),
      metrics.functionLimit.watch(() => throttle.limit, key),
      metrics.functionPermits.watch(() => window.taken, key),
      metrics.functionClosed.watch(() => (throttle.isClosed ? 1 : 0), key),
      metrics.callsHeld.watch(() => calls.held, key),
      metrics.callsDelayed.watch(() => demand.delayed, key)
    ]),
    (unwatch) => Effect.sync(() => unwatch.forEach((stop) => stop()))
  )
})
