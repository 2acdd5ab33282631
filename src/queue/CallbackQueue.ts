import { Context, Duration, Effect, Layer, Schedule } from "effect"
import * as CallbackLane from "../domain/CallbackLane.ts"
import * as LargestMessage from "./LargestMessage.ts"
import { Nats } from "./Nats.ts"
import { isNoResponders, isStreamNotFound, toQueueError } from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"
import { WakeUps } from "./WakeUps.ts"

/** A final result as it is stored for its receiver. */
interface StoredCallback {
  /** stays the same when the call is executed again, so that storing it twice makes one callback */
  readonly id: string
  /** where it goes, absolute */
  readonly url: string
  readonly message: Uint8Array
}

const STORE_TIMEOUT = Duration.seconds(5)
const untilSettled = Schedule.max([Schedule.exponential("20 millis"), Schedule.recurs(7)])

/** The stream of final results that wait for their receivers, from the side of those who store them. */
export class CallbackQueue extends Context.Service<
  CallbackQueue,
  {
    /** Done means that the server has confirmed it. `false`: it was stored already. */
    readonly store: (callback: StoredCallback) => Effect.Effect<boolean, QueueError>
    /** The largest message that is taken, bytes. */
    readonly maxMessageBytes: () => number
    /** Whether an acknowledged callback has left the stream; waits for that for some seconds. */
    readonly hasLeft: (sequence: number) => Effect.Effect<boolean>
  }
>()("sluice/queue/CallbackQueue") {
  static readonly layer = Layer.effect(
    CallbackQueue,
    Effect.gen(function* () {
      const nats = yield* Nats
      const stream = yield* QueueStream
      const wakeUps = yield* WakeUps

      const publish = (subject: string, { id, message }: StoredCallback) =>
        nats.request(() =>
          nats.jetstream.publish(subject, message, {
            msgID: id,
            timeout: Duration.toMillis(STORE_TIMEOUT)
          })
        )

      const store = Effect.fnUntraced(
        function* (callback: StoredCallback) {
          const { subject } = CallbackLane.of(stream.queue, callback.url)
          const { duplicate } = yield* publish(subject, callback).pipe(
            Effect.catch((error) =>
              isNoResponders(error) || isStreamNotFound(error)
                ? Effect.andThen(stream.ensure, publish(subject, callback))
                : Effect.fail(error)
            ),
            Effect.timeout(STORE_TIMEOUT)
          )
          wakeUps.send(subject)
          return !duplicate
        },
        Effect.mapError((error) => {
          const { detail, reason } = error instanceof QueueError ? error : toQueueError(error)
          return new QueueError({ reason, detail: `${stream.name} did not take a callback: ${detail}` })
        })
      )

      const stored = (sequence: number) =>
        nats.request(() => nats.manager.streams.getMessage(stream.name, { seq: sequence }))

      return CallbackQueue.of({
        store,
        maxMessageBytes: LargestMessage.of(nats),
        hasLeft: (sequence) =>
          stored(sequence).pipe(
            Effect.filterOrFail((message) => message === null),
            Effect.retry(untilSettled),
            Effect.match({ onSuccess: () => true, onFailure: () => false })
          )
      })
    })
  )
}
