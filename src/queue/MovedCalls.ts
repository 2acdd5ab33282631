import { Context, Duration, Effect, Layer } from "effect"
import type { FunctionName } from "../domain/FunctionName.ts"
import * as LegacyLane from "../domain/LegacyLane.ts"
import type { SubjectTemplate } from "../domain/SubjectTemplate.ts"
import type { Delivery } from "./Delivery.ts"
import { Nats } from "./Nats.ts"
import { isQueueFull, isTooLarge, toQueueError } from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"
import { WakeUps } from "./WakeUps.ts"

const STORE_TIMEOUT = Duration.seconds(5)

/** How a call gets from the queue's bare subject to its function's. */
export class MovedCalls extends Context.Service<
  MovedCalls,
  {
    /**
     * Stores the call on the function's subject; done means that JetStream has confirmed it. Doing it again within
     * the stream's duplicate window (two minutes) stores nothing.
     */
    readonly move: (fn: FunctionName, delivery: Delivery) => Effect.Effect<void, QueueError>
  }
>()("sluice/queue/MovedCalls") {
  static readonly layer = (subjects: SubjectTemplate) =>
    Layer.effect(
      MovedCalls,
      Effect.gen(function* () {
        const { jetstream, request } = yield* Nats
        const stream = yield* QueueStream
        const wakeUps = yield* WakeUps
        const timeout = Duration.toMillis(STORE_TIMEOUT)

        const move = Effect.fnUntraced(
          function* (fn: FunctionName, { data, streamCreated, streamSequence }: Delivery) {
            // An operator's reset of the queue took the call away.
            if (streamCreated !== stream.created()) return
            const subject = subjects.subject(fn)
            const msgID = LegacyLane.movedId(streamCreated, streamSequence)
            yield* request(() => jetstream.publish(subject, data, { msgID, timeout })).pipe(
              // It fitted without the id, so it does again; then a worker's death can double it.
              Effect.catch((error) =>
                isTooLarge(error)
                  ? request(() => jetstream.publish(subject, data, { timeout }))
                  : Effect.fail(error)
              ),
              Effect.timeout(STORE_TIMEOUT)
            )
            wakeUps.send(subject)
          },
          Effect.mapError((error) => {
            const { detail, reason } = toQueueError(error)
            const remedy = isQueueFull(error) ? "; raise max_queue_messages or max_queue_bytes" : ""
            return new QueueError({
              reason,
              detail: `${stream.name} did not take a call from its bare subject: ${detail}${remedy}`
            })
          })
        )
        return MovedCalls.of({ move })
      })
    )
}
