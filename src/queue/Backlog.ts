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
}

/** How work is found that somebody else published. */
export class Backlog extends Context.Service<
  Backlog,
  {
    /** Fails with `stream-gone` when the stream was deleted, also when it has been made again since. */
    readonly unfinished: Effect.Effect<Unfinished, QueueError>
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
          return { calls, strayed }
        })
      })
    })
  )
}
