import type { StreamConfig, StreamInfo } from "@nats-io/jetstream"
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import { durability } from "../domain/Durability.ts"
import * as StreamRules from "../domain/StreamRules.ts"
import { Nats } from "./Nats.ts"
import { isStreamNameInUse, isStreamNotFound, toQueueError } from "./natsErrors.ts"
import { QueueError, QueueMisconfigured } from "./QueueError.ts"
import { QueueHealth } from "./QueueHealth.ts"

export interface QueueStreamOptions extends StreamRules.Keeping {
  readonly queue: string
}

interface CallbacksStreamOptions extends QueueStreamOptions {
  /** how long after its first storing a callback may be stored once more, milliseconds */
  readonly duplicateWindowMillis: number
}

/** The stream of one queue: made when it is missing, checked when it is there. */
export class QueueStream extends Context.Service<
  QueueStream,
  {
    readonly queue: string
    readonly name: string
    /** When the stream was made, as the server prints it: tells this stream from one before an operator's reset. */
    readonly created: () => string
    /** Makes the stream when it is missing and remembers when it was made. */
    readonly ensure: Effect.Effect<void, QueueError | QueueMisconfigured>
  }
>()("sluice/queue/QueueStream") {
  static readonly layer = (options: QueueStreamOptions) =>
    Layer.effect(QueueStream, make("stream", options.queue, StreamRules.queueStream(options.queue, options)))

  /** The stream of the queue's callbacks, which is a queue like any other. */
  static readonly callbacksLayer = (options: CallbacksStreamOptions) =>
    Layer.effect(
      QueueStream,
      make(
        "callbacks",
        StreamRules.callbacksQueue(options.queue),
        StreamRules.callbacksStream(options.queue, options)
      )
    )

  /** A queue that we publish to beside our own: what is wrong with it fails, and says nothing of our health. */
  static readonly dedicatedLayer = (options: QueueStreamOptions) =>
    Layer.effect(
      QueueStream,
      make("dedicated", options.queue, StreamRules.queueStream(options.queue, options))
    )

  /** Only looked up, never made; not there is an error. */
  static readonly existing = (queue: string) => Layer.effect(QueueStream, find(queue))
}

/**
 * Up to 2.9 the server removes the files of a deleted stream when its name is free already: a stream made in
 * that moment takes calls and never hands them out.
 */
const RESET_PAUSE = Duration.millis(500)

const find = Effect.fnUntraced(function* (queue: string) {
  const { manager, request } = yield* Nats
  const name = StreamRules.queueStreamName(queue)
  const { created } = yield* request(() => manager.streams.info(name)).pipe(
    Effect.mapError((error) =>
      isStreamNotFound(error)
        ? new QueueMisconfigured({
            message: `there is no queue "${queue}" (no stream ${name}): set queue_name; sluice queue ls shows which there are`
          })
        : toQueueError(error)
    )
  )
  const ensure = Effect.fail(new QueueError({ reason: "stream-gone", detail: `${name} is gone` }))
  return QueueStream.of({ queue, name, created: () => created, ensure })
})

const waitForJetStream = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("5 seconds")])

const make = Effect.fnUntraced(function* (
  part: "stream" | "callbacks" | "dedicated",
  queue: string,
  wanted: StreamRules.StreamSettings
) {
  const { manager, request } = yield* Nats
  const health = yield* QueueHealth
  let created = ""
  const report = (ok: boolean, detail: string) => {
    if (part !== "dedicated") health.report(part, { ok, detail })
  }
  report(false, `waiting for stream ${wanted.name}`)

  const look = request(() => manager.streams.info(wanted.name))
  const add = request(() => manager.streams.add(wanted as Partial<StreamConfig> & { name: string })).pipe(
    Effect.tap(Effect.logInfo("stream created", { stream: wanted.name, storage: wanted.storage })),
    // The other program of the pair (gateway, worker) was faster.
    Effect.catch((error) => (isStreamNameInUse(error) ? look : Effect.fail(error)))
  )

  const adopt = Effect.fnUntraced(function* (info: StreamInfo) {
    const { no_ack = false, discard_new_per_subject = false, ...config } = info.config
    const existing = { ...config, no_ack, discard_new_per_subject }
    const { fatal, warnings } = StreamRules.check(existing, wanted)
    if (fatal.length > 0) {
      return yield* new QueueMisconfigured({
        message:
          `stream ${wanted.name} exists with settings that would lose calls:\n` +
          fatal.map((line) => `  - ${line}`).join("\n") +
          `\nChange it (nats stream edit ${wanted.name}), or remove it when it is empty (nats stream delete ${wanted.name}); it is then made again as it should be.`
      })
    }
    const limits = StreamRules.limitChanges(existing, wanted)
    if (Object.keys(limits).length > 0) {
      yield* request(() => manager.streams.update(wanted.name, limits)).pipe(Effect.mapError(toQueueError))
      yield* Effect.logInfo("stream updated", { stream: wanted.name, ...limits })
    }
    report(true, wanted.name)
    const { risk, summary } = durability({
      storage: config.storage,
      replicas: config.num_replicas,
      persistMode: config.persist_mode
    })
    if (part === "stream")
      health.report("durability", { ok: true, detail: risk === undefined ? summary : `${summary}; ${risk}` })
    if (created === info.created) return
    const isReset = created !== ""
    created = info.created
    if (isReset) yield* Effect.logWarning(`stream ${wanted.name} was deleted and made again`)
    for (const line of warnings) yield* Effect.logWarning(`stream ${wanted.name}: ${line}`)
    if (part === "callbacks") return
    const kept = `stream ${wanted.name} keeps calls in ${summary}`
    if (risk === undefined) return yield* Effect.logInfo(kept)
    // Who asked for memory knows; who gets it from a stream that was there already may not.
    const log = wanted.storage === "memory" ? Effect.logInfo : Effect.logWarning
    yield* log(`${kept}; ${risk}`)
  })

  const findOr = <E>(make: Effect.Effect<StreamInfo, E>) =>
    Effect.catch(look, (error) => (isStreamNotFound(error) ? make : Effect.fail(error)))
  const ensure = Effect.suspend(() =>
    findOr(created === "" ? add : Effect.delay(findOr(add), RESET_PAUSE))
  ).pipe(Effect.mapError(toQueueError), Effect.flatMap(adopt))
  yield* ensure.pipe(
    Effect.tapError((error) =>
      error._tag === "QueueError" && error.reason === "unavailable"
        ? Effect.logWarning("the stream cannot be looked up or made yet, trying again", {
            stream: wanted.name,
            reason: error.detail
          })
        : Effect.void
    ),
    Effect.retry({
      schedule: waitForJetStream,
      // Somebody waits for an answer that the queue of a single function does not give.
      while: (error) => part !== "dedicated" && error._tag === "QueueError" && error.reason === "unavailable"
    }),
    Effect.catchTag("QueueError", (error) =>
      Effect.fail(
        new QueueMisconfigured({
          message: `stream ${wanted.name} cannot be made: the server says "${error.detail}"`
        })
      )
    )
  )

  return QueueStream.of({
    queue,
    name: wanted.name,
    created: () => created,
    ensure
  })
})
