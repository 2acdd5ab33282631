import { Context, Effect, Layer } from "effect"
import { Nats } from "./Nats.ts"
import { isStreamNotFound, toQueueError } from "./natsErrors.ts"
import type { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

/** What is known of a stored dead letter without its message. */
export interface StoredDeadLetter {
  /** in the stream of dead letters */
  readonly sequence: number
  /** undefined when the message could not be decoded */
  readonly callId: string | undefined
  /** `name.namespace` */
  readonly functionName: string
  readonly reason: string
  /** status of the last answer; undefined when there was none */
  readonly lastStatus: number | undefined
}

/** Dead letters as they are read; `DeadLetters` writes them. */
export class StoredDeadLetters extends Context.Service<
  StoredDeadLetters,
  {
    /** All that are stored now, oldest first; none when no call has ever died. */
    readonly all: Effect.Effect<ReadonlyArray<StoredDeadLetter>, QueueError>
  }
>()("sluice/queue/StoredDeadLetters") {
  static readonly layer = Layer.effect(
    StoredDeadLetters,
    Effect.gen(function* () {
      const { jetstream, manager } = yield* Nats
      const { name: queueStream } = yield* QueueStream
      const name = `${queueStream}_dead`

      const read = async () => {
        const letters: Array<StoredDeadLetter> = []
        const { state } = await manager.streams.info(name)
        if (state.messages === 0) return letters
        // An ordered consumer takes nothing away and is gone by itself soon after.
        const consumer = await jetstream.consumers.get(name, { headers_only: true })
        const messages = await consumer.consume()
        for await (const { headers, info, seq } of messages) {
          const header = (key: string) => headers?.get(key) || undefined
          letters.push({
            sequence: seq,
            callId: header("Sluice-Call-Id"),
            functionName: header("Sluice-Function") ?? "",
            reason: header("Sluice-Reason") ?? "",
            lastStatus:
              header("Sluice-Last-Status") === undefined ? undefined : Number(header("Sluice-Last-Status"))
          })
          if (info.pending === 0) break
        }
        return letters
      }

      return StoredDeadLetters.of({
        all: Effect.tryPromise({ try: read, catch: (error) => error }).pipe(
          Effect.catch((error) =>
            isStreamNotFound(error) ? Effect.succeed([]) : Effect.fail(toQueueError(error))
          )
        )
      })
    })
  )
}
