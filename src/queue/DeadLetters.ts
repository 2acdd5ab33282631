import type { StreamConfig } from "@nats-io/jetstream"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { Context, Duration, Effect, Layer, Result } from "effect"
import type { FunctionName } from "../domain/FunctionName.ts"
import * as SubjectTemplate from "../domain/SubjectTemplate.ts"
import * as DeadMessages from "./DeadMessages.ts"
import { Nats } from "./Nats.ts"
import {
  isNoResponders,
  isStreamNameInUse,
  isStreamNotFound,
  isTooLarge,
  isWrongLastSequence,
  toQueueError
} from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

export interface DeadLetter {
  readonly fn: FunctionName
  /** contains the stream's creation time and the sequence, so that storing it twice is harmless; one token */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  /** the call's message, untouched */
  readonly message: Uint8Array
}

interface DeadLettersOptions extends DeadMessages.BucketOptions {
  readonly maxBytes: number
}

/** The name of the stream of a queue's dead letters. */
export const streamName = (queueStreamName: string): string => `${queueStreamName}_dead`

/** The header that says where the message is, when it is not in the letter. */
export const MESSAGE_OBJECT = "Sluice-Message-Object"
export const MESSAGE_BYTES = "Sluice-Message-Bytes"

/** A letter may be replayed and gone before its call, whose worker died in between, dies once more. */
const DUPLICATE_WINDOW = Duration.days(1)
const STORE_TIMEOUT = Duration.seconds(5)

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
  const nats = yield* Nats
  const { manager, jetstream, request } = nats
  const queueStream = yield* QueueStream
  const prefix = `${queueStream.queue}_dead`
  const name = streamName(queueStream.name)
  const messages = DeadMessages.make(nats, queueStream.name)
  const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", prefix))
  const maxAge = options.maxAgeMillis * 1e6
  const limits = {
    max_age: maxAge,
    max_bytes: options.maxBytes,
    // The server wants it to be no longer than the letters live.
    duplicate_window: Math.min(Duration.toMillis(DUPLICATE_WINDOW) * 1e6, maxAge)
  }
  const add = request(() =>
    manager.streams.add({
      name,
      subjects: [`${prefix}.>`],
      retention: "limits",
      // The newest failures are what people look for; a full stream must never stop the queue.
      discard: "old",
      ...limits,
      storage: options.storage,
      num_replicas: options.replicas
    })
  ).pipe(Effect.catch((error) => (isStreamNameInUse(error) ? Effect.void : Effect.fail(error))))

  // Made before it is needed: a cluster that lacks a server makes none. Whoever stores a letter tells what is wrong.
  yield* prepare(nats, name, limits, Effect.ignore(add))
  yield* prepare(nats, messages.streamName, { max_age: maxAge }, Effect.void)

  const publish = (letter: DeadLetter) =>
    Effect.tryPromise({
      try: () => {
        const headers = natsHeaders()
        for (const [key, value] of Object.entries(letter.headers)) headers.set(key, value)
        // One letter a subject, and only the first one: that holds for as long as the letter is kept, which
        // the duplicate window does not.
        return jetstream.publish(`${subjects.subject(letter.fn)}.${letter.id}`, letter.message, {
          msgID: letter.id,
          expect: { lastSubjectSequence: 0 },
          headers,
          timeout: Duration.toMillis(STORE_TIMEOUT)
        })
      },
      catch: (error) => error
    }).pipe(
      Effect.timeoutOrElse({
        duration: STORE_TIMEOUT,
        orElse: () =>
          Effect.fail(new QueueError({ reason: "unavailable", detail: "it did not confirm in time" }))
      }),
      Effect.asVoid,
      Effect.catch((error) => (isWrongLastSequence(error) ? Effect.void : Effect.fail(error)))
    )

  /** The stream was just made, or is an operator's and was left as it is. */
  const publishAgain = (letter: DeadLetter) =>
    Effect.mapError(publish(letter), (error) =>
      isNoResponders(error) ? refused(`it does not take the subjects ${prefix}.>, add them to it`) : error
    )

  const publishOrAdd = (letter: DeadLetter) =>
    publish(letter).pipe(
      Effect.catch((error) =>
        isNoResponders(error) || isStreamNotFound(error)
          ? Effect.andThen(add, publishAgain(letter))
          : Effect.fail(error)
      )
    )

  /** The message first: a letter that points nowhere would be a lost call. */
  const publishInParts = ({ headers, id, message, ...letter }: DeadLetter) =>
    messages.put(id, message, options).pipe(
      Effect.andThen(
        publishOrAdd({
          ...letter,
          id,
          headers: { ...headers, [MESSAGE_OBJECT]: id, [MESSAGE_BYTES]: String(message.length) },
          message: new Uint8Array(0)
        })
      )
    )

  const toStoreError = (error: unknown) => {
    const { detail, reason } = error instanceof QueueError ? error : toQueueError(error)
    return new QueueError({ reason, detail: `${name} did not take a dead letter: ${detail}` })
  }

  return DeadLetters.of({
    store: (letter) =>
      publishOrAdd(letter).pipe(
        Effect.catch((error) => (isTooLarge(error) ? publishInParts(letter) : Effect.fail(error))),
        Effect.mapError(toStoreError)
      )
  })
})

/** The stream is there, and its limits are those of the settings, also when it was made with other ones. */
const prepare = (
  { manager, request }: Nats["Service"],
  name: string,
  limits: Partial<StreamConfig>,
  makeMissing: Effect.Effect<unknown, unknown>
) =>
  request(() => manager.streams.info(name)).pipe(
    Effect.flatMap(({ config }) => {
      const changed = Object.entries(limits).filter(
        ([key, value]) => config[key as keyof StreamConfig] !== value
      )
      if (changed.length === 0) return Effect.void
      return request(() => manager.streams.update(name, limits)).pipe(
        Effect.andThen(
          Effect.logInfo("stream updated", { stream: name, changed: changed.map(([key]) => key) })
        )
      )
    }),
    Effect.catch((error) => (isStreamNotFound(error) ? makeMissing : Effect.fail(error))),
    Effect.catch((error) =>
      Effect.logWarning(`the limits of ${name} could not be brought up to date`, {
        reason: toQueueError(error).detail
      })
    )
  )

const refused = (detail: string) => new QueueError({ reason: "refused", detail })
