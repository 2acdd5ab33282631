import { Context, Duration, Effect, Layer, LayerMap } from "effect"
import { Publisher, type PublisherOptions } from "./Publisher.ts"
import { PublishError } from "./QueueError.ts"
import { QueueStream, type QueueStreamOptions } from "./QueueStream.ts"
import { WaitingCalls } from "./WaitingCalls.ts"
import { WakeUps } from "./WakeUps.ts"

interface QueuesOptions extends PublisherOptions, Pick<QueueStreamOptions, "storage" | "replicas"> {}

/** Where the calls of one queue come in. */
export interface Door
  extends Context.Service.Shape<typeof Publisher>, Context.Service.Shape<typeof WaitingCalls> {}

/** The queues that calls are stored in: our own, and those that functions are dedicated to. */
export class Queues extends Context.Service<
  Queues,
  {
    /** The stream of another queue than our own is looked at, and made when it is missing, by the first call for it. */
    readonly open: (queue: string) => Effect.Effect<Door, PublishError>
  }
>()("sluice/queue/Queues") {
  static readonly layer = (options: QueuesOptions) => Layer.effect(Queues, make(options))
}

const make = Effect.fnUntraced(function* (options: QueuesOptions) {
  const own = yield* QueueStream
  const parts = (queue: string) =>
    Layer.merge(
      Publisher.layer({ ...options, subjects: options.subjects.ofQueue(queue) }),
      WaitingCalls.layer({ subjects: options.subjects.ofQueue(queue) })
    )
  const ownDoor = doorOf(yield* Layer.build(parts(own.queue)))

  const dedicated = yield* LayerMap.make(
    (queue: string) =>
      parts(queue).pipe(
        Layer.provide(Layer.fresh(WakeUps.layer)),
        // Its limits are its worker's to set.
        Layer.provide(
          QueueStream.dedicatedLayer({ queue, storage: options.storage, replicas: options.replicas })
        )
      ),
    { idleTimeToLive: Duration.infinity }
  )
  const openDedicated = (queue: string) =>
    Effect.scoped(dedicated.contextEffect(queue)).pipe(
      Effect.timeout(Duration.millis(options.timeoutMillis)),
      // What failed once is tried again by the next call.
      Effect.tapError(() => dedicated.invalidate(queue)),
      Effect.tapError((error) =>
        Effect.logWarning("a dedicated queue cannot be used", { queue, reason: error.message })
      ),
      Effect.mapBoth({
        onSuccess: doorOf,
        onFailure: (error) => new PublishError({ reason: "no-queue", detail: error.message })
      })
    )

  return Queues.of({
    open: (queue) => (queue === own.queue ? Effect.succeed(ownDoor) : openDedicated(queue))
  })
})

const doorOf = (context: Context.Context<Publisher | WaitingCalls>): Door => ({
  ...Context.get(context, Publisher),
  ...Context.get(context, WaitingCalls)
})
