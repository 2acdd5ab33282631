import { AckPolicy, type JsMsg } from "@nats-io/jetstream"
import type { MsgHdrs } from "@nats-io/transport-node"
import { Context, Effect, Layer, Option } from "effect"
import * as DeadLetter from "../domain/DeadLetter.ts"
import type * as Excerpt from "../domain/Excerpt.ts"
import * as Replay from "../domain/Replay.ts"
import { MESSAGE_BYTES, MESSAGE_OBJECT, streamName } from "./DeadLetters.ts"
import * as DeadMessages from "./DeadMessages.ts"
import { Nats } from "./Nats.ts"
import { isMessageNotFound, isStreamNotFound, toQueueError } from "./natsErrors.ts"
import type { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

/** What is known of a stored dead letter without its message. */
export interface StoredDeadLetter extends DeadLetter.Known {
  /** in the stream of dead letters */
  readonly sequence: number
  readonly subject: string
  /** names the letter for ever, as one token */
  readonly link: string
  readonly deadMillis: number
  /** of the message */
  readonly bytes: number
  /** where the message is, when it is not in the letter */
  readonly object: string | undefined
}

/** What a letter holds beside that. */
export interface Contents {
  /** the call's message, untouched; undefined when it was in the object store and is gone from there */
  readonly message: Uint8Array | undefined
  readonly answer: Excerpt.Excerpt | undefined
}

/** Dead letters as they are read; `DeadLetters` writes them. */
export class StoredDeadLetters extends Context.Service<
  StoredDeadLetters,
  {
    /** All that are stored now, oldest first; none when no call has ever died. */
    readonly all: Effect.Effect<ReadonlyArray<StoredDeadLetter>, QueueError>
    /** None when the letter is not there any more. */
    readonly open: (letter: StoredDeadLetter) => Effect.Effect<Option.Option<Contents>, QueueError>
    /** Whether it was still there. */
    readonly remove: (letter: StoredDeadLetter) => Effect.Effect<boolean, QueueError>
  }
>()("sluice/queue/StoredDeadLetters") {
  static readonly layer = Layer.effect(
    StoredDeadLetters,
    Effect.suspend(() => make)
  )
}

const BATCH = 500
const BATCH_MILLIS = 2_000
const CONSUMER_NANOS = 30e9

const make = Effect.gen(function* () {
  const nats = yield* Nats
  const { jetstream, manager, request } = nats
  const { name: queueStream } = yield* QueueStream
  const name = streamName(queueStream)
  const messages = DeadMessages.make(nats, queueStream)

  const readAll = async () => {
    const letters: Array<StoredDeadLetter> = []
    const { created } = await manager.streams.info(name)
    // It takes nothing away, and the server forgets it by itself should we die.
    const consumer = await manager.consumers.add(name, {
      ack_policy: AckPolicy.None,
      headers_only: true,
      mem_storage: true,
      inactive_threshold: CONSUMER_NANOS
    })
    const source = await jetstream.consumers.get(name, consumer.name)
    let pending = consumer.num_pending
    while (pending > 0) {
      const asked = Math.min(pending, BATCH)
      // Letters may be removed meanwhile: a batch that stays empty is the end.
      pending = 0
      for await (const message of await source.fetch({ max_messages: asked, expires: BATCH_MILLIS })) {
        letters.push(toLetter(message, created))
        pending = message.info.pending
      }
    }
    await manager.consumers.delete(name, consumer.name)
    return letters
  }

  return StoredDeadLetters.of({
    all: request(readAll).pipe(
      Effect.catch((error) =>
        isStreamNotFound(error) ? Effect.succeed([]) : Effect.fail(toQueueError(error))
      )
    ),

    open: (letter) =>
      Effect.gen(function* () {
        const stored = yield* request(() => manager.streams.getMessage(name, { seq: letter.sequence }))
        // In a stream that was made again the sequence is another letter's.
        if (stored === null || stored.subject !== letter.subject) return Option.none()
        const message = letter.object === undefined ? stored.data : yield* messages.get(letter.object)
        return Option.some({
          message: message ?? undefined,
          answer: DeadLetter.answer(reader(stored.header))
        })
      }).pipe(Effect.mapError(toQueueError)),

    remove: (letter) =>
      request(() => manager.streams.deleteMessage(name, letter.sequence, false)).pipe(
        Effect.catch((error) => (isMessageNotFound(error) ? Effect.succeed(false) : Effect.fail(error))),
        // The letter first: without its message it would promise what is not there.
        Effect.tap(() => (letter.object === undefined ? Effect.void : messages.remove(letter.object))),
        Effect.mapError(toQueueError)
      )
  })
})

const reader = (headers: MsgHdrs | undefined) => (key: string) => headers?.get(key) || undefined

const toLetter = (message: JsMsg, created: string): StoredDeadLetter => {
  const header = reader(message.headers)
  const known = DeadLetter.read(header)
  return {
    ...known,
    sequence: message.seq,
    subject: message.subject,
    link: Replay.link(created, message.seq),
    deadMillis: known.deadMillis ?? Math.floor(message.info.timestampNanos / 1e6),
    bytes: Number(header(MESSAGE_BYTES) ?? header("Nats-Msg-Size")),
    object: header(MESSAGE_OBJECT)
  }
}
