import { Context, Effect, Layer } from "effect"
import { Nats } from "./Nats.ts"
import { toQueueError } from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

/** How work is found that somebody else published. */
export class Backlog extends Context.Service<
  Backlog,
  {
    /**
     * By subject, how many calls are stored now and not finished: waiting, delayed, or running anywhere. Fails
     * with `stream-gone` when the stream was deleted, also when it has been made again since.
     */
    readonly unfinished: Effect.Effect<ReadonlyMap<string, number>, QueueError>
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
          return new Map(Object.entries(info.state.subjects ?? {}))
        })
      })
    })
  )
}
