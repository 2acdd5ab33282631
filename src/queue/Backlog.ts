import { Context, Effect, Layer, Option } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"
import { Nats } from "./Nats.ts"
import { toQueueError } from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

/** The unfinished calls of the queue at one moment: waiting, delayed, or running anywhere. */
export interface Unfinished {
  readonly calls: ReadonlyMap<string, { readonly fn: FunctionName.FunctionName; readonly count: number }>
  /** Stored subjects that belong to no function, so that nobody serves them. */
  readonly strayed: ReadonlyArray<string>
  /** Of the call stored last; the first one was 1. */
  readonly lastSequence: number
  /** What the stream holds. */
  readonly bytes: number
  /** At which it takes no more; undefined when there is no limit. */
  readonly maxBytes: number | undefined
}

/** How work is found that somebody else published. */
export class Backlog extends Context.Service<
  Backlog,
  {
    /** Fails with `stream-gone` when the stream was deleted, also when it has been made again since. */
    readonly unfinished: Effect.Effect<Unfinished, QueueError>
    /** When the function's oldest unfinished call was accepted, milliseconds; undefined when there is none. */
    readonly oldest: (fn: FunctionName.FunctionName) => Effect.Effect<number | undefined, QueueError>
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
          const calls = new Map<string, { fn: FunctionName.FunctionName; count: number }>()
          const strayed: Array<string> = []
          for (const [subject, count] of Object.entries(info.state.subjects ?? {})) {
            Option.match(stream.subjects.parse(subject), {
              onNone: () => void strayed.push(subject),
              onSome: (fn) => void calls.set(FunctionName.key(fn), { fn, count })
            })
          }
          const { bytes, last_seq: lastSequence } = info.state
          const maxBytes = info.config.max_bytes > 0 ? info.config.max_bytes : undefined
          return { calls, strayed, lastSequence, bytes, maxBytes }
        }),
        oldest: (fn) => {
          // The client's type knows this question only for streams with direct access; every server answers it.
          const query = { next_by_subj: stream.subjects.subject(fn), seq: 1 }
          return request(() => manager.streams.getMessage(stream.name, query)).pipe(
            Effect.map((message) => (message === null ? undefined : message.time.getTime())),
            Effect.mapError(toQueueError)
          )
        }
      })
    })
  )
}
