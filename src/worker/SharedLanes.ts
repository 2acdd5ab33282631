import { Effect, Option } from "effect"
import type { Lane } from "../domain/Lane.ts"
import * as SharedLane from "../domain/SharedLane.ts"
import type { SubjectTemplate } from "../domain/SubjectTemplate.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import * as FunctionMetrics from "./FunctionMetrics.ts"
import type { LaneKind } from "./LaneKind.ts"
import { Process } from "./Process.ts"

/** Static mode: one lane for all calls of the queue, which share the worker's slots in the order they came. */
export const make = Effect.fnUntraced(function* (subjects: SubjectTemplate) {
  const { queue } = yield* QueueStream
  const { process } = yield* Process
  const metrics = yield* FunctionMetrics.make
  const lane = SharedLane.of(queue)
  const kind: LaneKind<Lane> = {
    noun: "queue",
    parse: () => Option.some(lane),
    limit: (_, slots) => Effect.succeed(slots),
    // The bare subject of older publishers, like any that is no function's, leaves it to the message.
    process: (_, delivery, progress) =>
      process(Option.getOrUndefined(subjects.parse(delivery.subject)), delivery, progress),
    metrics: {
      ...metrics,
      observe: (lane, parts) => metrics.observe(FunctionMetrics.nameless(lane), parts),
      discovered: (stream, lanes) =>
        metrics.discovered(
          stream,
          new Map([...lanes].map(([lane, count]) => [FunctionMetrics.nameless(lane), count]))
        )
    },
    advisers: []
  }
  return kind
})
