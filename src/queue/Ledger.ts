import { Kvm } from "@nats-io/kv"
import { Context, Effect, Layer, Option, Schedule } from "effect"
import * as AttemptRecord from "../domain/AttemptRecord.ts"
import { EVERYTHING } from "../domain/Lane.ts"
import * as StreamCreation from "../domain/StreamCreation.ts"
import type { Delivery } from "./Delivery.ts"
import { lastly } from "./LastWords.ts"
import { Nats } from "./Nats.ts"
import {
  isNoResponders,
  isStreamNameInUse,
  isStreamNotFound,
  isWrongLastSequence,
  toQueueError
} from "./natsErrors.ts"
import type { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

export interface LedgerOptions {
  readonly storage: "file" | "memory"
  readonly replicas: number
  /** how long an entry stays that nobody writes any more; longer than any wait or run of a call, milliseconds */
  readonly lifeMillis: number
}

/**
 * The attempts at the calls of one stream, in a key-value bucket beside it. A call that is finished by its first
 * delivery has no entry and costs no request. What asks the server about a call goes on until it has answered.
 */
export class Ledger extends Context.Service<
  Ledger,
  {
    /**
     * Learns which calls of a lane have entries, for a consumer that has just been prepared: one that was made
     * anew delivers them as if for the first time.
     */
    readonly restore: (subject: string, streamCreated: string) => Effect.Effect<void, QueueError>
    /** The call's record; asks the server only when there may be one. */
    readonly read: (delivery: Delivery) => Effect.Effect<AttemptRecord.AttemptRecord | undefined>
    /**
     * Changes the record and gives the new one, which the server has confirmed. Two workers may have the call at the
     * same time: a change is made again on top of what the other one wrote, so that no count is lost. The effect may
     * be run again when it was interrupted: the change is made once.
     */
    readonly write: (
      delivery: Delivery,
      change: AttemptRecord.Change
    ) => Effect.Effect<AttemptRecord.AttemptRecord>
    /** Whether `forget` has something to do. */
    readonly hasEntry: (delivery: Delivery) => boolean
    /**
     * Removes the entry once the call is known to be gone from its stream; an entry that stays ends by itself. The
     * end of the process waits a moment for it.
     */
    readonly forget: (delivery: Delivery, gone: Promise<boolean>) => void
  }
>()("sluice/queue/Ledger") {
  static readonly layer = (options: LedgerOptions) => Layer.effect(Ledger, make(options))
}

/** What this process knows to be stored for a delivery's call; revision 0: nothing. */
interface Entry {
  readonly revision: number
  readonly record: AttemptRecord.AttemptRecord | undefined
}

const noRecord = Effect.succeed(undefined)

let lastStream = { created: "", token: "" }
/** Every call asks for the same one, and making it is a good part of what a call costs. */
const tokenOf = (created: string): string => {
  if (lastStream.created !== created) lastStream = { created, token: StreamCreation.token(created) }
  return lastStream.token
}

/** The calls of one subject, as the beginning of their keys. What a key cannot hold may be in a stranger's subject. */
const laneOf = (subject: string, streamCreated: string): string =>
  `${tokenOf(streamCreated)}.${subject.replace(/[^-/=.\w]/g, "_")}`

const keyOf = ({ subject, streamCreated, streamSequence }: Delivery): string =>
  `${laneOf(subject, streamCreated)}.${streamSequence}`

/** Nothing is stored for the call; one that was moved brought its record along. */
const unwritten = (delivery: Delivery): Entry => ({ revision: 0, record: delivery.movedWith })

/** Not made yet, or deleted by an operator. */
const isMissing = (error: unknown): boolean => isStreamNotFound(error) || isNoResponders(error)

const backOff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

const make = Effect.fnUntraced(function* (options: LedgerOptions) {
  const { jetstream, manager, request } = yield* Nats
  const { name: queueStream } = yield* QueueStream
  const bucketName = `${queueStream}_attempts`
  const streamName = `KV_${bucketName}`
  const kvm = new Kvm(jetstream)
  const bucket = yield* Effect.promise(() => kvm.open(bucketName, { allow_direct: false }))
  const makeBucket = request(() =>
    kvm.create(bucketName, {
      history: 1,
      storage: options.storage,
      replicas: options.replicas,
      ttl: options.lifeMillis,
      // Read from the leader: a follower may not have yet what another worker has just written.
      allow_direct: false
    })
  ).pipe(Effect.catch((error) => (isStreamNameInUse(error) ? Effect.void : Effect.fail(error))))
  // Made before it is needed: a cluster that lacks a server makes none, and at the end of a process there is little time.
  yield* Effect.ignore(makeBucket)

  const entries = new WeakMap<Delivery, Entry>()
  /** per subject, the highest sequence of a call that may have an entry */
  const horizons = new Map<string, number>()
  const beingForgotten = new Set<Promise<unknown>>()
  yield* Effect.addFinalizer(() => lastly(Effect.promise(() => Promise.all(beingForgotten))))
  const me = crypto.randomUUID()
  let writes = 0
  let warned = false

  let trouble = ""
  const untilAnswered = <A>(question: Effect.Effect<A, unknown>): Effect.Effect<A> =>
    question.pipe(
      Effect.tapError((error) => {
        const { detail, reason: kind } = toQueueError(error)
        // What is refused is told with the call's own subject.
        const told = kind === "refused" ? kind : detail
        if (told === trouble) return Effect.void
        trouble = told
        return Effect.logWarning("the ledger of attempts does not answer, its calls wait for it", {
          bucket: bucketName,
          reason: detail
        })
      }),
      Effect.retry(backOff),
      Effect.orDie,
      Effect.tap(() => Effect.sync(() => void (trouble = "")))
    )

  const raiseHorizon = (lane: string, sequence: number) =>
    horizons.set(lane, Math.max(sequence, horizons.get(lane) ?? 0))

  const decode = Effect.fnUntraced(function* (key: string, text: string) {
    const record = Option.getOrUndefined(AttemptRecord.decode(text))
    if (record === undefined && !warned) {
      warned = true
      yield* Effect.logWarning("an entry of the ledger of attempts cannot be read, its call starts anew", {
        bucket: bucketName,
        key
      })
    }
    return record
  })

  const readAnew = Effect.fnUntraced(function* (delivery: Delivery) {
    const key = keyOf(delivery)
    const found = yield* request(() => bucket.get(key)).pipe(
      Effect.catch((error) => (isMissing(error) ? Effect.succeed(null) : Effect.fail(error)))
    )
    const entry =
      found === null
        ? unwritten(delivery)
        : { revision: found.revision, record: yield* decode(key, found.string()) }
    entries.set(delivery, entry)
    return entry
  })

  const mayHaveEntry = ({ deliveryCount, streamCreated, streamSequence, subject }: Delivery): boolean =>
    deliveryCount > 1 || streamSequence <= (horizons.get(laneOf(subject, streamCreated)) ?? 0)

  // Every call comes by here: most have no entry, and must not pay for those that have one.
  const read = (delivery: Delivery) => {
    const known = entries.get(delivery)
    if (known !== undefined) return Effect.succeed(known.record)
    if (!mayHaveEntry(delivery)) {
      return delivery.movedWith === undefined ? noRecord : Effect.succeed(delivery.movedWith)
    }
    return untilAnswered(Effect.map(readAnew(delivery), ({ record }) => record))
  }

  /** Somebody has written since, or the bucket is another one and only we know the record. */
  const catchUp = Effect.fnUntraced(function* (delivery: Delivery) {
    const known = entries.get(delivery) ?? unwritten(delivery)
    const { revision } = yield* readAnew(delivery)
    if (revision === 0) entries.set(delivery, { revision, record: known.record })
  })

  const store = (delivery: Delivery, revision: number, record: AttemptRecord.AttemptRecord) => {
    const put = (previousSeq: number) =>
      request(() => bucket.put(keyOf(delivery), AttemptRecord.encode(record), { previousSeq }))
    return Effect.catch(put(revision), (error) => {
      if (isMissing(error)) return Effect.andThen(makeBucket, put(0))
      // Who listens to all buckets hides that there is none: the server then does not say that nobody took it.
      const mayBeMissing = !isWrongLastSequence(error)
      return Effect.andThen(mayBeMissing ? makeBucket : Effect.void, Effect.fail(error))
    })
  }

  const write = (delivery: Delivery, change: AttemptRecord.Change) => {
    const id = `${me}-${++writes}`
    const writeOnce: Effect.Effect<AttemptRecord.AttemptRecord, unknown> = Effect.suspend(() => {
      const { record, revision } = entries.get(delivery) ?? unwritten(delivery)
      // Stored already, only the confirmation was lost.
      if (record?.write === id) return Effect.succeed(record)
      const changed = { ...change(record, delivery), write: id }
      return store(delivery, revision, changed).pipe(
        Effect.map((stored) => {
          entries.set(delivery, { revision: stored, record: changed })
          raiseHorizon(laneOf(delivery.subject, delivery.streamCreated), delivery.streamSequence)
          return changed
        }),
        Effect.catch((error) =>
          isWrongLastSequence(error) ? Effect.andThen(catchUp(delivery), writeOnce) : Effect.fail(error)
        )
      )
    })
    // Unread, a call that somebody has given back would be blamed for having been delivered before.
    return Effect.andThen(read(delivery), untilAnswered(writeOnce))
  }

  const restore = Effect.fnUntraced(function* (subject: string, streamCreated: string) {
    const prefix = `$KV.${bucketName}.`
    const keys =
      subject === EVERYTHING
        ? `${StreamCreation.token(streamCreated)}.>`
        : `${laneOf(subject, streamCreated)}.*`
    const info = yield* request(() =>
      manager.streams.info(streamName, { subjects_filter: prefix + keys })
    ).pipe(Effect.catch((error) => (isStreamNotFound(error) ? Effect.undefined : Effect.fail(error))))
    if (info === undefined) return yield* Effect.ignore(makeBucket)
    for (const key of Object.keys(info.state.subjects ?? {})) {
      const end = key.lastIndexOf(".")
      raiseHorizon(key.slice(prefix.length, end), Number(key.slice(end + 1)))
    }
    const life = options.lifeMillis * 1e6
    if (info.config.max_age > 0 && info.config.max_age < life) {
      yield* Effect.ignore(request(() => manager.streams.update(streamName, { max_age: life })))
    }
  }, Effect.mapError(toQueueError))

  const revisionOf = (delivery: Delivery): number => entries.get(delivery)?.revision ?? 0

  return Ledger.of({
    restore,
    read,
    write,
    hasEntry: (delivery) => revisionOf(delivery) > 0,
    forget: (delivery, gone) => {
      const forgetting = gone
        .then(async (isGone) => {
          // By its sequence: that costs least and leaves no marker behind.
          if (isGone) await manager.streams.deleteMessage(streamName, revisionOf(delivery), false)
        })
        .catch(() => undefined)
        .finally(() => beingForgotten.delete(forgetting))
      beingForgotten.add(forgetting)
    }
  })
})
