import type { StreamInfo } from "@nats-io/jetstream"
import { Context, Effect, Layer, Option } from "effect"
import type * as FunctionName from "../domain/FunctionName.ts"
import { key } from "../domain/FunctionName.ts"
import type { SubjectTemplate } from "../domain/SubjectTemplate.ts"
import { callbacksQueue, queueStreamName } from "../domain/StreamRules.ts"
import * as DeadLetters from "./DeadLetters.ts"
import { Nats } from "./Nats.ts"
import { toQueueError } from "./natsErrors.ts"
import type { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

/** A queue at one moment. */
interface Overview {
  readonly queue: string
  readonly stream: string
  /** calls that are stored and not finished: waiting, delayed, or running */
  readonly calls: number
  readonly bytes: number
  /** when the oldest of them was accepted (RFC 3339); null without one */
  readonly oldest: string | null
  readonly consumers: number
  /** results that wait for their receivers */
  readonly callbacks: number
  readonly deadLetters: number
  readonly storage: string
  readonly replicas: number
  /** limits of the stream, null for none */
  readonly maxCalls: number | null
  readonly maxBytes: number | null
}

/** The unfinished calls of one function. */
interface FunctionCalls {
  /** `name.namespace`, or the subject when it belongs to no function */
  readonly function: string
  readonly calls: number
}

const prefix = queueStreamName("")

/** All queues at the server. */
export const all: Effect.Effect<ReadonlyArray<Overview>, QueueError, Nats> = Effect.gen(function* () {
  const { manager, request } = yield* Nats
  const streams = yield* request(() => Array.fromAsync(manager.streams.list()))
  const messages = new Map(streams.map(({ config, state }) => [config.name, state.messages]))
  return streams
    .filter(
      ({ config }) =>
        config.name.startsWith(prefix) &&
        config.retention === "workqueue" &&
        !config.name.endsWith(callbacksQueue(""))
    )
    .map((info) => overviewOf(info, (stream) => messages.get(stream) ?? 0))
}).pipe(Effect.mapError(toQueueError))

/** One queue from the inside. */
export class OneQueue extends Context.Service<
  OneQueue,
  {
    /** The functions with the most calls first. */
    readonly functions: Effect.Effect<ReadonlyArray<FunctionCalls>, QueueError>
    /** How many calls of the function, or of all, are unfinished. */
    readonly count: (fn: FunctionName.FunctionName | undefined) => Effect.Effect<number, QueueError>
    /** Removes them for ever, running ones too; says how many. */
    readonly purge: (fn: FunctionName.FunctionName | undefined) => Effect.Effect<number, QueueError>
  }
>()("sluice/queue/OneQueue") {
  static readonly layer = (subjects: SubjectTemplate) =>
    Layer.effect(
      OneQueue,
      Effect.gen(function* () {
        const { manager, request } = yield* Nats
        const { name } = yield* QueueStream
        const counts = request(() => manager.streams.info(name, { subjects_filter: ">" })).pipe(
          Effect.map(({ state }) => Object.entries(state.subjects ?? {}))
        )
        return OneQueue.of({
          functions: counts.pipe(
            Effect.map((entries) =>
              entries.map(([subject, calls]) => ({
                function: Option.match(subjects.parse(subject), { onNone: () => subject, onSome: key }),
                calls
              }))
            ),
            Effect.map((functions) => functions.toSorted((one, other) => other.calls - one.calls)),
            Effect.mapError(toQueueError)
          ),
          count: (fn) =>
            counts.pipe(
              Effect.map((entries) =>
                entries
                  .filter(([subject]) => fn === undefined || subject === subjects.subject(fn))
                  .reduce((sum, [, calls]) => sum + calls, 0)
              ),
              Effect.mapError(toQueueError)
            ),
          purge: (fn) =>
            request(() =>
              manager.streams.purge(name, fn === undefined ? undefined : { filter: subjects.subject(fn) })
            ).pipe(
              Effect.map(({ purged }) => purged),
              Effect.mapError(toQueueError)
            )
        })
      })
    )
}

const limitOf = (limit: number): number | null => (limit > 0 ? limit : null)

const overviewOf = ({ config, state }: StreamInfo, messagesIn: (stream: string) => number): Overview => ({
  queue: config.name.slice(prefix.length),
  stream: config.name,
  calls: state.messages,
  bytes: state.bytes,
  oldest: state.messages === 0 ? null : new Date(state.first_ts).toISOString(),
  consumers: state.consumer_count,
  callbacks: messagesIn(callbacksQueue(config.name)),
  deadLetters: messagesIn(DeadLetters.streamName(config.name)),
  storage: config.storage,
  replicas: config.num_replicas,
  maxCalls: limitOf(config.max_msgs),
  maxBytes: limitOf(config.max_bytes)
})
