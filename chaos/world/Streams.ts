import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import type { DeadLetter, Snapshot } from "../history/Event.ts"
import type { History } from "../history/History.ts"
import { callIn, STREAM } from "../wire/Meaning.ts"

/** What an operator and an auditor see of the streams, on a connection that no fault touches. */
export const open = Effect.fnUntraced(function* (ports: ReadonlyArray<number>, history: History) {
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() =>
      connect({
        servers: ports.map((port) => `127.0.0.1:${port}`),
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        waitOnFirstConnect: true
      })
    ),
    (connection) => Effect.promise(() => connection.close())
  )
  const manager = yield* Effect.promise(() =>
    jetstreamManager(connection, { checkAPI: false, timeout: 2_000 })
  )
  return {
    snapshot: (running: () => number) => asked(() => snapshot(manager, running, history)),
    /** The stream answers, with a leader where it needs one. */
    healthy: asked(async () => {
      const { cluster } = await manager.streams.info(STREAM)
      const replicas = cluster?.replicas ?? []
      const behind = replicas.some(({ current, offline }) => !current || offline === true)
      if (behind || (replicas.length > 0 && cluster?.leader === undefined)) throw new Error("not yet")
      // The cluster itself knows its members again a while after the stream does.
      if (replicas.length > 0) await makeAndForget(manager, replicas.length + 1)
    }),
    leader: asked(async () => (await manager.streams.info(STREAM)).cluster?.leader),
    /** There and back. */
    ping: () => connection.flush(),
    /** Calls in the queue now. */
    stored: asked(async () => (await manager.streams.info(STREAM)).state.messages),
    /** Callbacks that wait for their receiver now. */
    storedCallbacks: asked(async () => (await stateOf(manager, `${STREAM}_callbacks`))?.messages ?? 0),
    setLimit: (maxMessages: number) =>
      asked(async () => {
        const { config } = await manager.streams.info(STREAM)
        await manager.streams.update(STREAM, { ...config, max_msgs: maxMessages })
      }),
    consumers: asked(async () =>
      (await Array.fromAsync(manager.consumers.list(STREAM))).map(({ config, name }) => ({
        name,
        fn: functionOf(config.filter_subject)
      }))
    ),
    deleteConsumer: (name: string) => asked(() => manager.consumers.delete(STREAM, name))
  }
})

export type Streams = Effect.Success<ReturnType<typeof open>>

const makeAndForget = async (manager: JetStreamManager, num_replicas: number) => {
  const name = "chaos-health"
  await manager.streams.add({ name, subjects: [name], num_replicas })
  await manager.streams.delete(name)
}

const asked = <A>(question: () => Promise<A>) => Effect.tryPromise(question)

const functionOf = (subject: string | undefined) => (subject ?? "").split(".")[1] ?? ""

const snapshot = async (
  manager: JetStreamManager,
  running: () => number,
  history: History
): Promise<Snapshot> => {
  const queue = await messages(manager, STREAM)
  const before = running()
  const consumers = await Array.fromAsync(manager.consumers.list(STREAM))
  const after = running()
  const callbacks = await messages(manager, `${STREAM}_callbacks`)
  const dead = await messages(manager, `${STREAM}_dead`)
  const ledger = await stateOf(manager, `KV_${STREAM}_attempts`)
  return {
    queue: queue.map(({ subject, text }) => ({ call: callIn(text), fn: functionOf(subject) })),
    callbacks: callbacks.map(({ text }) => callIn(text)),
    dead: dead.map(({ header, text, time }): DeadLetter => ({
      call: header("Sluice-Call-Id") ?? callIn(text),
      reason: header("Sluice-Reason") ?? "",
      attempts: Number(header("Sluice-Attempts")),
      storedAt: Math.round(history.at(time))
    })),
    consumers: consumers.map(({ config, num_ack_pending, num_pending }) => ({
      fn: functionOf(config.filter_subject),
      waiting: num_pending,
      unsettled: num_ack_pending
    })),
    // Calls come and go while the consumers are counted.
    running: Math.min(before, after),
    ledger: ledger?.messages ?? 0
  }
}

const isMissing = (error: unknown, what: string) => error instanceof Error && error.message.includes(what)

const stateOf = async (manager: JetStreamManager, stream: string) => {
  try {
    return (await manager.streams.info(stream, { deleted_details: true })).state
  } catch (error) {
    if (isMissing(error, "stream not found")) return undefined
    throw error
  }
}

/** Everything in a stream, without taking it away. */
const messages = async (manager: JetStreamManager, stream: string) => {
  const state = await stateOf(manager, stream)
  if (state === undefined || state.messages === 0) return []
  const gone = new Set(state.deleted)
  const length = state.last_seq - state.first_seq + 1
  const present = Array.from({ length }, (_, index) => state.first_seq + index).filter(
    (seq) => !gone.has(seq)
  )
  const found = await Promise.all(present.map((seq) => messageAt(manager, stream, seq)))
  return found.flatMap((message) => message ?? [])
}

/** Undefined when it has gone meanwhile. */
const messageAt = async (manager: JetStreamManager, stream: string, seq: number) => {
  try {
    const message = await manager.streams.getMessage(stream, { seq })
    if (message === null) return undefined
    const { data, header, subject, timestamp } = message
    return {
      subject,
      text: Buffer.from(data).toString(),
      time: Date.parse(timestamp),
      header: (name: string) => header?.get(name) || undefined
    }
  } catch (error) {
    if (isMissing(error, "no message found")) return undefined
    throw error
  }
}
