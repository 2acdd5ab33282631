import { Effect } from "effect"
import type { Lane } from "../domain/Lane.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import * as ActorGauges from "./ActorGauges.ts"
import type { LaneMetrics } from "./LaneMetrics.ts"
import * as QueueGauges from "./QueueGauges.ts"

/** A lane that is no function's, as it is counted: without a name. */
export const nameless = (lane: Lane): Lane => ({ ...lane, key: "" })

/** Of the queue and its functions. */
export const make = Effect.gen(function* () {
  const metrics = yield* Metrics
  const all: LaneMetrics<Lane> = {
    delivered: ({ acceptedMillis, deliveryCount }, nowMillis) => {
      if (deliveryCount > 1) metrics.redeliveries.count()
      else metrics.queueWait.record(Math.max(0, nowMillis - acceptedMillis) / 1000)
    },
    observe: ActorGauges.observe,
    discovered: yield* QueueGauges.make
  }
  return all
})
