import { Effect } from "effect"
import * as CallbackLane from "../domain/CallbackLane.ts"
import type * as RetryPolicy from "../domain/RetryPolicy.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import * as CallbackMetrics from "./CallbackMetrics.ts"
import * as CallbackProcess from "./CallbackProcess.ts"
import type { LaneKind } from "./LaneKind.ts"

/** The lanes of the stream of callbacks: a destination each. */
export const make = Effect.fnUntraced(function* (retryPolicy: RetryPolicy.RetryPolicy) {
  const { queue } = yield* QueueStream
  const kind: LaneKind<CallbackLane.CallbackLane> = {
    noun: "destination",
    parse: (subject) => CallbackLane.parse(queue, subject),
    // One that hangs leaves room for others at once.
    limit: (_, slots) => Effect.succeed(Math.ceil(slots / 2)),
    process: yield* CallbackProcess.make(retryPolicy),
    metrics: yield* CallbackMetrics.make,
    advisers: []
  }
  return kind
})
