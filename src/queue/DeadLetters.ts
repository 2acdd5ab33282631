import { headers as natsHeaders } from "@nats-io/transport-node"
import { Context, Duration, Effect, Layer, Result } from "effect"
import type { FunctionName } from "../domain/FunctionName.ts"
import * as SubjectTemplate from "../domain/SubjectTemplate.ts"
import { Nats } from "./Nats.ts"
import {
  isNoResponders,
  isStreamNameInUse,
  isStreamNotFound,
  isTooLarge,
  toQueueError
} from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

export interface DeadLetter {
  readonly fn: FunctionName
  /** contains the stream's creation time and the sequence, so that storing it twice is harmless */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  /** the call's message, untouched */
  readonly message: Uint8Array
}

export interface DeadLettersOptions {
  readonly storage: "file" | "memory"
  readonly replicas: number
}

const MAX_BYTES = 256 * 1024 ** 2
/** A worker may die between storing a dead letter and settling the call, and come back much later. */
const DUPLICATE_WINDOW = Duration.days(1)
const STORE_TIMEOUT = Duration.seconds(5)
const nanos = (duration: Duration.Duration) => Duration.toMillis(duration) * 1e6

/** Calls that will not be tried again, kept for people. */
export class DeadLetters extends Context.Service<
  DeadLetters,
  {
    /** Done means that the server has confirmed it. */
    readonly store: (letter: DeadLetter) => Effect.Effect<void, QueueError>
  }
>()("sluice/queue/DeadLetters") {
  static readonly maxAge = Duration.days(30)
  static readonly layer = (options: DeadLettersOptions) => Layer.effect(DeadLetters, make(options))
}

const make = Effect.fnUntraced(function* (options: DeadLettersOptions) {
  const { manager, jetstream } = yield* Nats
  const queueStream = yield* QueueStream
  const prefix = `${queueStream.queue}_dead`
  const name = `${queueStream.name}_dead`
  const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", prefix))

  const add = Effect.tryPromise({
    try: () =>
      manager.streams.add({
        name,
        subjects: [`${prefix}.>`],
        retention: "limits",
        // The newest failures are what people look for; a full stream must never stop the queue.
        discard: "old",
        max_age: nanos(DeadLetters.maxAge),
        max_bytes: MAX_BYTES,
        duplicate_window: nanos(DUPLICATE_WINDOW),
        storage: options.storage,
        num_replicas: options.replicas
      }),
    catch: (error) => error
  }).pipe(Effect.catch((error) => (isStreamNameInUse(error) ? Effect.void : Effect.fail(error))))

  const publish = (letter: DeadLetter) =>
    Effect.tryPromise({
      try: () => {
        const headers = natsHeaders()
        for (const [key, value] of Object.entries(letter.headers)) headers.set(key, value)
        return jetstream.publish(subjects.subject(letter.fn), letter.message, {
          msgID: letter.id,
          headers,
          timeout: Duration.toMillis(STORE_TIMEOUT)
        })
      },
      catch: (error) => error
    })

  /** The stream was just made, or is an operator's and was left as it is. */
  const publishAgain = (letter: DeadLetter) =>
    Effect.mapError(publish(letter), (error) =>
      isNoResponders(error) ? refused(`it does not take the subjects ${prefix}.>, add them to it`) : error
    )

  const toStoreError = (letter: DeadLetter) => (error: unknown) => {
    if (isTooLarge(error)) {
      const size = `${letter.message.length} bytes and the headers of a dead letter`
      return new QueueError({
        reason: "too-large",
        detail: `${name} has no room for ${size}: raise max_payload of NATS, and max_msg_size of the stream if it has one`
      })
    }
    const { detail, reason } = error instanceof QueueError ? error : toQueueError(error)
    return new QueueError({ reason, detail: `${name} did not take a dead letter: ${detail}` })
  }

  return DeadLetters.of({
    store: (letter) =>
      publish(letter).pipe(
        Effect.catch((error) =>
          isNoResponders(error) || isStreamNotFound(error)
            ? Effect.andThen(add, publishAgain(letter))
            : Effect.fail(error)
        ),
        Effect.asVoid,
        Effect.timeoutOrElse({
          duration: STORE_TIMEOUT,
          orElse: () =>
            Effect.fail(new QueueError({ reason: "unavailable", detail: "it did not confirm in time" }))
        }),
        Effect.mapError(toStoreError(letter))
      )
  })
})

const refused = (detail: string) => new QueueError({ reason: "refused", detail })
