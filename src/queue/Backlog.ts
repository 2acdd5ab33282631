import { Context, Effect, Layer } from "effect"
import { pastIn } from "./Delivery.ts"
import { Nats } from "./Nats.ts"
import { toQueueError } from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

/** What a stream holds at one moment. */
export interface Unfinished {
  /** By subject, how many messages are stored and not finished: waiting, delayed, or running anywhere. */
  readonly counts: ReadonlyMap<string, number>
  /** Of the message stored last; the first one was 1. */
  readonly lastSequence: number
  readonly messages: number
  readonly bytes: number
  /** At which it takes no more; undefined when there is no limit. */
  readonly maxMessages: number | undefined
  readonly maxBytes: number | undefined
}

/** How work is found that somebody else published. */
export class Backlog extends Context.Service<
  Backlog,
  {
    /** Fails with `stream-gone` when the stream was deleted, also when it has been made again since. */
    readonly unfinished: Effect.Effect<Unfinished, QueueError>
    /** When the call of the subject's first unfinished message was accepted, milliseconds; undefined when there is none. */
    readonly oldest: (subject: string) => Effect.Effect<number | undefined, QueueError>
  }
>()("sluice/queue/Backlog") {
  static readonly layer = Layer.effect(
    Backlog,
    Effect.gen(function* () {
      const { manager, request } = yield* Nats
      const stream = yield* QueueStream
      return Backlog.of({
        unfinished: Effect.gen(function* () {
          const info = yield* request(() => manager.streams.info(stream.name, { subjects_filter: ">" })).pipe(
            Effect.mapError(toQueueError)
          )
          if (info.created !== stream.created()) {
            return yield* new QueueError({
              reason: "stream-gone",
              detail: `${stream.name} was deleted and made again`
            })
          }
          const { bytes, last_seq: lastSequence, messages, subjects = {} } = info.state
          return {
            counts: new Map(Object.entries(subjects)),
            lastSequence,
            messages,
            bytes,
            maxMessages: limitOf(info.config.max_msgs),
            maxBytes: limitOf(info.config.max_bytes)
          }
        }),
        oldest: (subject) => {
          // The client's type knows this question only for streams with direct access; every server answers it.
          const query = { next_by_subj: subject, seq: 1 }
          return request(() => manager.streams.getMessage(stream.name, query)).pipe(
            Effect.map((message) =>
              message === null
                ? undefined
                : (pastIn(message.header)?.acceptedMillis ?? message.time.getTime())
            ),
            Effect.mapError(toQueueError)
          )
        }
      })
    })
  )
}

/** JetStream writes no limit as 0 or -1. */
const limitOf = (configured: number): number | undefined => (configured > 0 ? configured : undefined)
