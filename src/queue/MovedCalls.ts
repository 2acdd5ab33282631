import type { JetStreamPublishOptions } from "@nats-io/jetstream"
import { headers } from "@nats-io/transport-node"
import { Context, Duration, Effect, Layer } from "effect"
import type { AttemptRecord } from "../domain/AttemptRecord.ts"
import type { FunctionName } from "../domain/FunctionName.ts"
import * as MovedCall from "../domain/MovedCall.ts"
import type { SubjectTemplate } from "../domain/SubjectTemplate.ts"
import type { Delivery } from "./Delivery.ts"
import { Nats } from "./Nats.ts"
import { isQueueFull, isTooLarge, toQueueError } from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"
import { WakeUps } from "./WakeUps.ts"

const ifTooLarge =
  <A>(less: Effect.Effect<A, unknown>) =>
  (error: unknown) =>
    isTooLarge(error) ? less : Effect.fail(error)

const STORE_TIMEOUT = Duration.seconds(5)

/** How a call gets from the queue's bare subject to its function's. */
export class MovedCalls extends Context.Service<
  MovedCalls,
  {
    /**
     * Stores the call on the function's subject, with what the ledger has of it; done means that JetStream has
     * confirmed it. Doing it again within the stream's duplicate window (two minutes) stores nothing. False when the
     * stream is full: the call itself takes the room that it would need.
     */
    readonly move: (
      fn: FunctionName,
      delivery: Delivery,
      record: AttemptRecord | undefined
    ) => Effect.Effect<boolean, QueueError>
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
          function* (fn: FunctionName, delivery: Delivery, record: AttemptRecord | undefined) {
            const { acceptedMillis, data, streamCreated, streamSequence } = delivery
            // An operator's reset of the queue took the call away.
            if (streamCreated !== stream.created()) return true
            const subject = subjects.subject(fn)
            const past = headers()
            past.set(MovedCall.HEADER, MovedCall.encode({ acceptedMillis, record }))
            const named = { msgID: MovedCall.id(streamCreated, streamSequence), timeout }
            const store = (options: Partial<JetStreamPublishOptions>) =>
              request(() => jetstream.publish(subject, data, options))
            // It fitted with nothing beside it, so it does again: then it begins anew, and without its id a lost
            // confirmation doubles it.
            yield* store({ ...named, headers: past }).pipe(
              Effect.catch(ifTooLarge(store(named))),
              Effect.catch(ifTooLarge(store({ timeout }))),
              Effect.timeout(STORE_TIMEOUT)
            )
            wakeUps.send(subject)
            return true
          },
          Effect.catch((error) => {
            if (isQueueFull(error)) return Effect.succeed(false)
            const { detail, reason } = toQueueError(error)
            return Effect.fail(
              new QueueError({
                reason,
                detail: `${stream.name} did not take a call from its bare subject: ${detail}`
              })
            )
          })
        )
        return MovedCalls.of({ move })
      })
    )
}
