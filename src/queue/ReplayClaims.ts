import type { StorageType, StreamConfig } from "@nats-io/jetstream"
import { Kvm } from "@nats-io/kv"
import { Effect } from "effect"
import type { Nats } from "./Nats.ts"
import { isWrongLastSequence } from "./natsErrors.ts"

/** The right to replay a letter. */
interface Claim {
  /** nobody has tried it before */
  readonly isFirst: boolean
  /** when it was first tried and not finished, milliseconds since 1970 by the server's clock */
  readonly sinceMillis: number
  /** how long ago that was, by the server's clock */
  readonly ageMillis: number
}

/**
 * Who replays which letter, in a key-value bucket: written before the call is published and removed after the
 * letter is. One that is found was left by a run that died in between, or that is running now. They do not
 * expire, because a letter whose claim is forgotten could be replayed a second time.
 *
 * Fails with the errors of nats.js.
 */
export const make = ({ jetstream, manager, request }: Nats["Service"], queueStreamName: string) => {
  const bucket = `${queueStreamName}_replays`
  const store = (config: Pick<StreamConfig, "storage" | "num_replicas">) =>
    request(() =>
      new Kvm(jetstream).create(bucket, {
        storage: config.storage as StorageType,
        replicas: config.num_replicas,
        // Answered by the leader: another server may not know the last word yet.
        allow_direct: false
      })
    )

  /** Whether it is written; not when somebody else was faster. */
  const wins = (write: () => Promise<unknown>) =>
    request(write).pipe(
      Effect.as(true),
      Effect.catch((error) => (isWrongLastSequence(error) ? Effect.succeed(false) : Effect.fail(error)))
    )

  return {
    /**
     * Undefined when another run takes it in this moment.
     *
     * @param like the stream whose storage and replicas the bucket gets when it is made
     * @param anew what is known of earlier tries does not count
     */
    take: Effect.fnUntraced(function* (
      letter: string,
      like: Pick<StreamConfig, "storage" | "num_replicas">,
      anew: boolean
    ) {
      const claims = yield* store(like)
      const isFirst = yield* wins(() => claims.create(letter, ""))
      const found = yield* request(() => claims.get(letter))
      if (found === null) return undefined
      const sinceMillis = Number(found.string()) || found.created.getTime()
      if (isFirst) return { isFirst, sinceMillis, ageMillis: 0 } satisfies Claim
      // Written again for two reasons: of several runs one gets it, and the server tells its time.
      const isOurs = yield* wins(() => claims.update(letter, anew ? "" : String(sinceMillis), found.revision))
      const ours = isOurs ? yield* request(() => claims.get(letter)) : null
      if (ours === null) return undefined
      const ageMillis = anew ? 0 : ours.created.getTime() - sinceMillis
      return { isFirst, sinceMillis, ageMillis } satisfies Claim
    }),

    /** Leaves no trace, unlike the delete of the bucket itself. */
    release: (letter: string) =>
      Effect.asVoid(
        request(() => manager.streams.purge(`KV_${bucket}`, { filter: `$KV.${bucket}.${letter}` }))
      )
  }
}
