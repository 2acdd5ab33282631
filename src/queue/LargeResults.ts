import { type ObjectStore, type ObjectStoreOptions, Objm, StorageType } from "@nats-io/obj"
import { Context, Duration, Effect, Layer } from "effect"
import * as StreamRules from "../domain/StreamRules.ts"
import { Nats } from "./Nats.ts"
import { isNoResponders, isStreamNotFound, toQueueError } from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"

interface LargeResultsOptions extends StreamRules.Keeping {
  readonly queue: string
  /** how long a result is kept that nobody removes, milliseconds */
  readonly maxAgeMillis: number
  /** undefined for no limit */
  readonly maxBytes: number | undefined
}

/** A large result moves in many messages. */
const TIMEOUT = Duration.seconds(30)

/** Results that are larger than a message may be, in JetStream's object store, in a bucket that is made on first use. */
export class LargeResults extends Context.Service<
  LargeResults,
  {
    /** Done means that the server has confirmed all of it. */
    readonly put: (name: string, bytes: Uint8Array) => Effect.Effect<void, QueueError>
    /** undefined when there is none, or not all of it */
    readonly get: (name: string) => Effect.Effect<Uint8Array | undefined, QueueError>
    /** Nobody waits for it: what stays is removed at its age. */
    readonly remove: (name: string) => Effect.Effect<void>
  }
>()("sluice/queue/LargeResults") {
  static readonly layer = (options: LargeResultsOptions) => Layer.effect(LargeResults, make(options))
}

const make = Effect.fnUntraced(function* (options: LargeResultsOptions) {
  const { jetstream, request } = yield* Nats
  const bucket = `${StreamRules.queueStreamName(options.queue)}_results`
  const objects = new Objm(jetstream)

  // The client empties the options it is given.
  const wanted = (): Partial<ObjectStoreOptions> => ({
    storage: options.storage === "memory" ? StorageType.Memory : StorageType.File,
    replicas: options.replicas,
    ttl: options.maxAgeMillis * 1e6,
    max_bytes: options.maxBytes ?? -1
  })

  const use = <A>(
    open: () => Promise<ObjectStore>,
    action: (store: ObjectStore) => Promise<A>
  ): Effect.Effect<A, QueueError> =>
    request(() => open().then(action)).pipe(
      Effect.timeout(TIMEOUT),
      Effect.mapError((error) => {
        const { detail, reason } = toQueueError(error)
        return new QueueError({ reason, detail: `the object store ${bucket} did not do it: ${detail}` })
      })
    )

  const existing = () => objects.open(bucket, false)

  return LargeResults.of({
    put: (name, bytes) =>
      use(
        () => objects.create(bucket, wanted()),
        (store) => store.putBlob({ name }, bytes)
      ),
    get: (name) =>
      use(existing, (store) =>
        store.getBlob(name).catch((error: unknown) => {
          if (isNoResponders(error) || isStreamNotFound(error)) return null
          throw error
        })
      ).pipe(Effect.map((bytes) => bytes ?? undefined)),
    remove: (name) => Effect.ignore(use(existing, (store) => store.delete(name)))
  })
})
