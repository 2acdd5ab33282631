import type { StorageType } from "@nats-io/jetstream"
import { type ObjectStore, Objm } from "@nats-io/obj"
import { Duration, Effect } from "effect"
import type { Nats } from "./Nats.ts"

export interface BucketOptions {
  readonly storage: "file" | "memory"
  readonly replicas: number
  readonly maxAgeMillis: number
}

/** Chunks are stored one after the other, and the largest message a server allows has 500 of them. */
const TIMEOUT = Duration.seconds(30)

/** A reader waits for chunks that do not come, when one was removed. */
const READ_TIMEOUT = Duration.seconds(10)

/**
 * Messages that have no room for the headers of a dead letter beside them: in chunks, in an object store, under
 * the letter's id. Fails with the errors of nats.js.
 */
export const make = ({ jetstream, request }: Nats["Service"], queueStreamName: string) => {
  const bucket = `${queueStreamName}_dead_messages`
  const objects = new Objm(jetstream)
  const open = (use: (store: ObjectStore) => Promise<unknown>) =>
    request(async () => use(await objects.open(bucket, false)))

  return {
    streamName: `OBJ_${bucket}`,

    /** Done means that the server has confirmed every chunk. Storing it twice is harmless. */
    put: (id: string, message: Uint8Array, options: BucketOptions) =>
      request(async () => {
        const store = await objects.create(bucket, {
          ttl: options.maxAgeMillis * 1e6,
          storage: options.storage as StorageType,
          replicas: options.replicas
        })
        return store.putBlob({ name: id }, message)
      }).pipe(Effect.timeout(TIMEOUT), Effect.asVoid),

    /** Null when it is not there any more. */
    get: (id: string) =>
      request(async () => (await objects.open(bucket)).getBlob(id)).pipe(Effect.timeout(READ_TIMEOUT)),

    remove: (id: string) => Effect.asVoid(open((store) => store.delete(id)))
  }
}
