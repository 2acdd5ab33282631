/** How a stream keeps what it has confirmed, as far as a client can know. */
interface StoredHow {
  /** JetStream's `storage`: `file` or `memory`. */
  readonly storage: string
  /** servers that have a copy, from 1 */
  readonly replicas: number
  /** JetStream's `persist_mode`; servers before 2.12 have none */
  readonly persistMode: string | undefined
}

interface Durability {
  /** Where calls are kept, in a few words. */
  readonly summary: string
  /** What loses confirmed calls and what can be done; `undefined` when it takes the failure of several servers. */
  readonly risk: string | undefined
}

// No server tells its clients its sync_interval: the log and /readyz must not claim more than is known.
const unknownSync = "synced to disk as sync_interval of nats-server says (unknown here, by default every 2m)"
const asyncWrites = "written to disk after the confirmation (persist_mode async)"

/** What the promise "confirmed is kept" rests on. */
export const durability = ({ persistMode, replicas, storage }: StoredHow): Durability => {
  const servers = replicas === 1 ? "1 server" : `${replicas} servers`
  if (storage === "memory") {
    return {
      summary: `memory of ${servers}`,
      risk:
        replicas === 1
          ? "a restart of nats-server loses every call: use file storage"
          : "a restart of most of them at once loses every call: use file storage"
    }
  }
  const isAsync = persistMode === "async"
  return {
    summary: `files on ${servers}, ${isAsync ? asyncWrites : unknownSync}`,
    risk: replicas === 1 ? riskOfOne(isAsync) : undefined
  }
}

const riskOfOne = (isAsync: boolean): string =>
  isAsync
    ? "a crash of nats-server can lose confirmed calls: use another persist_mode and nats_stream_replicas=3"
    : "a power cut can lose confirmed calls, and a lost disk all of them: use nats_stream_replicas=3 on a cluster, or at least sync_interval: always"
