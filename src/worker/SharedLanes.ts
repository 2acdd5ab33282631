import { Effect, Option } from "effect"
import type { Lane } from "../domain/Lane.ts"
import * as SharedLane from "../domain/SharedLane.ts"
import type { SubjectTemplate } from "../domain/SubjectTemplate.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import type { LaneKind } from "./LaneKind.ts"
import { Process } from "./Process.ts"

/** Static mode: one lane for all calls of the queue, which share the worker's slots in the order they came. */
export const make = Effect.fnUntraced(function* (subjects: SubjectTemplate) {
  const { queue } = yield* QueueStream
  const { process } = yield* Process
  const lane = SharedLane.of(queue)
  const kind: LaneKind<Lane> = {
    noun: "queue",
    parse: () => Option.some(lane),
    limit: (_, slots) => Effect.succeed(slots),
    // The bare subject of older publishers, like any that is no function's, leaves it to the message.
    process: (_, delivery, progress) =>
      process(Option.getOrUndefined(subjects.parse(delivery.subject)), delivery, progress),
    advisers: []
  }
  return kind
})
