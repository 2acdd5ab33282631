import { Context, Duration, Effect, Layer } from "effect"
import type { FunctionName } from "../domain/FunctionName.ts"
import type { SubjectTemplate } from "../domain/SubjectTemplate.ts"
import * as LargestMessage from "./LargestMessage.ts"
import { Nats } from "./Nats.ts"
import {
  describe,
  isForbidden,
  isNoResponders,
  isQueueFull,
  isStreamNotFound,
  isTooLarge,
  toQueueError
} from "./natsErrors.ts"
import { PublishError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"
import { WakeUps } from "./WakeUps.ts"

export interface PublisherOptions {
  readonly subjects: SubjectTemplate
  /** how long JetStream may take to confirm, milliseconds */
  readonly timeoutMillis: number
}

/** Puts calls into the queue. */
export class Publisher extends Context.Service<
  Publisher,
  {
    /** Stores a call; done means that JetStream has confirmed it. Fails within the publish timeout. */
    readonly publish: (
      fn: FunctionName,
      message: Uint8Array,
      /** Of the message; made when absent. Under the same one the call is not stored twice. */
      id?: string
    ) => Effect.Effect<void, PublishError>
    /** Where the function's calls are published to. */
    readonly subjectOf: (fn: FunctionName) => string
    /** The largest message that is accepted, bytes. */
    readonly maxMessageBytes: () => number
  }
>()("sluice/queue/Publisher") {
  static readonly layer = (options: PublisherOptions) => Layer.effect(Publisher, make(options))
}

const make = Effect.fnUntraced(function* (options: PublisherOptions) {
  const nats = yield* Nats
  const stream = yield* QueueStream
  const wakeUps = yield* WakeUps

  // The id is never taken from the caller of a function: two calls may carry the same call id, and JetStream
  // would swallow the second. It lets one accepted request be published again without becoming two calls.
  const store = (subject: string, message: Uint8Array, id: string) =>
    Effect.tryPromise({
      try: () => nats.jetstream.publish(subject, message, { msgID: id, timeout: options.timeoutMillis }),
      catch: (error) => error
    })

  const publish = Effect.fnUntraced(function* (
    fn: FunctionName,
    message: Uint8Array,
    id: string = crypto.randomUUID()
  ) {
    // A publish while the connection is down would be kept by the client and sent later, after the caller
    // was told that it failed.
    if (!nats.connected()) {
      return yield* new PublishError({ reason: "not-connected", detail: "NATS is not connected" })
    }
    const subject = options.subjects.subject(fn)
    yield* store(subject, message, id).pipe(
      Effect.catch((error) =>
        isNoResponders(error) || isStreamNotFound(error)
          ? Effect.andThen(stream.ensure, store(subject, message, id))
          : Effect.fail(error)
      ),
      Effect.timeout(Duration.millis(options.timeoutMillis)),
      Effect.mapError(toPublishError)
    )
    wakeUps.send(subject)
  })

  return Publisher.of({
    publish,
    subjectOf: (fn) => options.subjects.subject(fn),
    maxMessageBytes: LargestMessage.of(nats)
  })
})

export const toPublishError = (error: unknown): PublishError => {
  if (isQueueFull(error)) return new PublishError({ reason: "queue-full", detail: describe(error) })
  if (isTooLarge(error)) return new PublishError({ reason: "too-large", detail: describe(error) })
  // The server has thrown it away.
  if (isForbidden(error)) return new PublishError({ reason: "forbidden", detail: toQueueError(error).detail })
  return new PublishError({
    reason: "not-confirmed",
    detail: `JetStream did not confirm: ${describe(error)}`
  })
}
