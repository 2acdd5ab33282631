/** Somebody at the same NATS who is not Sluice: publishes as OpenFaaS does, watches settlements, reads streams. */
import { Effect, Option } from "effect"
import * as AttemptRecord from "../../src/domain/AttemptRecord.ts"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import * as QueueState from "./QueueState.ts"
import { natsClient } from "./Sluice.ts"

/** An acknowledgement as a worker sent it. */
export interface Settlement {
  readonly kind: "ack" | "nak"
  /** Of the call in its stream. */
  readonly sequence: number
  /** Undefined for a `nak` that names none. */
  readonly delayMillis: number | undefined
}

interface StoredDeadLetter {
  readonly subject: string
  /** The original message. */
  readonly message: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** The stream of the default queue's dead letters. */
export const deadStream = `${QueueState.streamName}_dead`

/** The stream of the default queue's ledger of attempts. */
const attemptsStream = `KV_${QueueState.streamName}_attempts`

/** The stream of the default queue's callbacks. */
export const callbacksStream = `${QueueState.streamName}_callbacks`

const bytesOf = (message: object | string | Uint8Array): string | Uint8Array =>
  typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message)

/** The subject of the default queue for `name` or `name.namespace`. */
export const subjectOf = (fn: string) => `faas-request.${fn.includes(".") ? fn : `${fn}.openfaas-fn`}`

/** @param stream whose settlements are watched */
export const meet = Effect.fnUntraced(function* (url: string, stream = QueueState.streamName) {
  const client = yield* natsClient(url)
  const settlements: Array<Settlement> = []
  const counters = { ack: new ArrivalCounter(), nak: new ArrivalCounter() }
  const working = new ArrivalCounter()
  client.connection.subscribe("$JS.ACK.>", {
    callback: (_, message) => {
      // With headers it is a worker that looks whether it may acknowledge.
      if (message.string() === "+WPI" && message.headers === undefined) working.add()
      const settlement = read(stream, message.subject, message.string())
      if (settlement === undefined) return
      settlements.push(settlement)
      counters[settlement.kind].add()
    }
  })
  yield* Effect.promise(() => client.connection.flush())

  return {
    ...client,
    settlements,
    /** Waits until `count` deliveries have been acknowledged since the start. */
    acked: (count: number) => Effect.as(counters.ack.atLeast(count), settlements),
    /** Waits until `count` deliveries have been given back since the start. */
    givenBack: (count: number) => Effect.as(counters.nak.atLeast(count), settlements),
    /** Waits until workers have said that often that they still work on a delivery. */
    working: (count: number) => working.atLeast(count),
    /** Publishes a message for `name` or `name.namespace`; gives its sequence. */
    publish: (fn: string, message: object | string | Uint8Array) =>
      Effect.promise(() => client.jetstream.publish(subjectOf(fn), bytesOf(message)).then(({ seq }) => seq)),
    /** Calls that are not finished. */
    unfinished: Effect.map(QueueState.streamInfo(client), ({ state }) => state.messages),
    /** Of the call that was stored last; 0 when none ever was. */
    lastSequence: Effect.map(QueueState.streamInfo(client), ({ state }) => state.last_seq),
    allFinished: QueueState.isEmpty(client),
    /** Deletes all consumers of the queue, and with them delivery counts and delays; no call is lost by that. */
    forgetConsumers: Effect.promise(async () => {
      for await (const { name } of client.manager.consumers.list(QueueState.streamName)) {
        await client.manager.consumers.delete(QueueState.streamName, name)
      }
    }),
    /** Callbacks that are stored and not delivered. */
    waitingCallbacks: Effect.promise(() =>
      client.manager.streams.info(callbacksStream).then(({ state }) => state.messages)
    ),
    /** What the ledger of attempts knows of unfinished calls. */
    attemptRecords: Effect.promise(async () => {
      const records: Array<AttemptRecord.AttemptRecord> = []
      const info = await client.manager.streams.info(attemptsStream).catch(() => undefined)
      for (let seq = info?.state.first_seq ?? 1; seq <= (info?.state.last_seq ?? 0); seq++) {
        const stored = await client.manager.streams.getMessage(attemptsStream, { seq })
        const record = AttemptRecord.decode(stored?.string() ?? "")
        if (Option.isSome(record)) records.push(record.value)
      }
      return records
    }),
    /** All dead letters, in the order they were stored; none when there is no stream of them. */
    deadLetters: Effect.promise(async (): Promise<ReadonlyArray<StoredDeadLetter>> => {
      const letters: Array<StoredDeadLetter> = []
      const info = await client.manager.streams.info(deadStream).catch(() => undefined)
      for (let seq = 1; seq <= (info?.state.last_seq ?? 0); seq++) {
        const stored = await client.manager.streams.getMessage(deadStream, { seq })
        if (stored === null) continue
        letters.push({
          subject: stored.subject,
          message: Buffer.from(stored.data),
          headers: Object.fromEntries(stored.header.keys().map((name) => [name, stored.header.get(name)]))
        })
      }
      return letters
    })
  }
})

/** The long form of the subject (NATS ADR-15) has two parts more in front. */
const read = (stream: string, subject: string, payload: string): Settlement | undefined => {
  const parts = subject.split(".")
  const at = parts.length === 9 ? 2 : 4
  if (parts[at] !== stream) return undefined
  const sequence = Number(parts[at + 3])
  const [verb, options] = payload.split(" ", 2)
  if (verb === "+ACK") return { kind: "ack", sequence, delayMillis: undefined }
  if (verb !== "-NAK") return undefined
  const delayMillis = options === undefined ? undefined : JSON.parse(options).delay / 1e6
  return { kind: "nak", sequence, delayMillis }
}
