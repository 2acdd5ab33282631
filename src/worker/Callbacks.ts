import { randomUUID } from "node:crypto"
import { Context, Effect, Layer, Option } from "effect"
import * as CallbackMessage from "../domain/CallbackMessage.ts"
import * as DeadLetter from "../domain/DeadLetter.ts"
import { CallbackQueue } from "../queue/CallbackQueue.ts"
import { LargeResults } from "../queue/LargeResults.ts"
import type { QueueError } from "../queue/QueueError.ts"
import type { Persist } from "./Persistence.ts"

/** The same however often the call is executed; receivers and the queue know callbacks by it. */
export const idOf = ({ sequence, streamCreated }: CallbackMessage.About): string =>
  DeadLetter.id(streamCreated, sequence, "callback")

/** Final results on their way to the receivers that callers named, whatever their size. */
export class Callbacks extends Context.Service<
  Callbacks,
  {
    /**
     * Stores a result for its receiver; done means confirmed. Fails with `too-large` when what it is about is
     * larger than a message may be.
     */
    readonly store: (callback: CallbackMessage.Callback, persist: Persist) => Effect.Effect<void, QueueError>
    /** The whole of what a message holds or stands for; none when it is not there any more. */
    readonly open: (
      stored: CallbackMessage.Callback | CallbackMessage.Reference
    ) => Effect.Effect<Option.Option<CallbackMessage.Callback>, QueueError>
    /** Removes what the message stood for, once the message itself has left the queue. */
    readonly discard: (
      stored: CallbackMessage.Callback | CallbackMessage.Reference,
      sequence: number
    ) => Effect.Effect<void>
  }
>()("sluice/worker/Callbacks") {
  static readonly layer = Layer.effect(
    Callbacks,
    Effect.gen(function* () {
      const queue = yield* CallbackQueue
      const large = yield* LargeResults

      return Callbacks.of({
        store: Effect.fnUntraced(function* (callback, persist) {
          const { url } = callback
          const id = idOf(callback)
          const whole = CallbackMessage.encode(callback)
          const put = (message: Uint8Array) => persist(queue.store({ id, url, message }))

          const putAside = Effect.gen(function* () {
            // Each execution of a call has its own: removing one must not take away that of another message.
            const object = `${id}-${randomUUID()}`
            yield* persist(large.put(object, whole))
            const isNew = yield* put(CallbackMessage.encodeReference(callback, object))
            if (!isNew) yield* large.remove(object)
          })

          if (whole.length > queue.maxMessageBytes()) return yield* putAside
          yield* put(whole).pipe(
            // The stream may have a limit of its own.
            Effect.catch((error) => (error.reason === "too-large" ? putAside : Effect.fail(error)))
          )
        }),
        open: Effect.fnUntraced(function* (stored) {
          if ("body" in stored) return Option.some(stored)
          const bytes = yield* large.get(stored.object)
          if (bytes === undefined) return Option.none()
          const whole = Option.getSuccess(CallbackMessage.decode(bytes))
          return Option.filter(whole, (callback) => "body" in callback)
        }),
        discard: (stored, sequence) =>
          "body" in stored
            ? Effect.void
            : Effect.flatMap(queue.hasLeft(sequence), (left) =>
                left ? large.remove(stored.object) : Effect.void
              )
      })
    })
  )
}
