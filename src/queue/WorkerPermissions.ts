import { Effect, Layer, Schedule } from "effect"
import { needed, pattern, settling } from "../domain/NatsPermissions.ts"
import { Nats } from "./Nats.ts"
import { QueueMisconfigured } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

const again = Schedule.spaced("250 millis")

/** Looks whether a worker may have calls and settle them, before it has any. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { refusals, request, whenConnected } = yield* Nats
    const { queue } = yield* QueueStream
    const refused = yield* whenConnected.pipe(
      Effect.andThen(request(() => refusals.need(settling(queue)))),
      Effect.retry(again),
      Effect.orDie
    )
    if (refused.length === 0) return
    const subjects = refused.map(({ subject }) => pattern(subject)).join(", ")
    return yield* new QueueMisconfigured({
      message: `NATS does not let this worker publish to ${subjects}: the user that it connects as has to be allowed ${needed(queue)}`
    })
  })
)
