import type { StreamConfig, StreamInfo } from "@nats-io/jetstream"
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import * as StreamRules from "../domain/StreamRules.ts"
import type * as SubjectTemplate from "../domain/SubjectTemplate.ts"
import { Nats } from "./Nats.ts"
import { isStreamNameInUse, isStreamNotFound, toQueueError } from "./natsErrors.ts"
import { QueueError, QueueMisconfigured } from "./QueueError.ts"
import { QueueHealth } from "./QueueHealth.ts"

export interface QueueStreamOptions {
  readonly queue: string
  readonly subjects: SubjectTemplate.SubjectTemplate
  readonly storage: "file" | "memory"
  readonly replicas: number
}

/** The stream of one queue: made when it is missing, checked when it is there. */
export class QueueStream extends Context.Service<
  QueueStream,
  {
    readonly queue: string
    readonly name: string
    readonly subjects: SubjectTemplate.SubjectTemplate
    /** When the stream was made, as the server prints it: tells this stream from one before an operator's reset. */
    readonly created: () => string
    /** Makes the stream when it is missing and remembers when it was made. */
    readonly ensure: Effect.Effect<void, QueueError | QueueMisconfigured>
  }
>()("sluice/queue/QueueStream") {
  static readonly layer = (options: QueueStreamOptions) => Layer.effect(QueueStream, make(options))
  /** Only looked up, never made; not there is an error. */
  static readonly existing = (options: Pick<QueueStreamOptions, "queue" | "subjects">) =>
    Layer.effect(QueueStream, find(options))
}

/**
 * Up to 2.9 the server removes the files of a deleted stream when its name is free already: a stream made in
 * that moment takes calls and never hands them out.
 */
const RESET_PAUSE = Duration.millis(500)

const find = Effect.fnUntraced(function* ({
  queue,
  subjects
}: Pick<QueueStreamOptions, "queue" | "subjects">) {
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
  return QueueStream.of({ queue, name, subjects, created: () => created, ensure })
})

const waitForJetStream = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("5 seconds")])

const make = Effect.fnUntraced(function* (options: QueueStreamOptions) {
  const { manager, request } = yield* Nats
  const health = yield* QueueHealth
  const wanted = StreamRules.queueStream(options.queue, options)
  let created = ""
  health.report("stream", { ok: false, detail: `waiting for stream ${wanted.name}` })

  const look = request(() => manager.streams.info(wanted.name))
  const add = request(() => manager.streams.add(wanted as Partial<StreamConfig> & { name: string })).pipe(
    Effect.tap(Effect.logInfo("stream created", { stream: wanted.name, storage: wanted.storage })),
    // The other program of the pair (gateway, worker) was faster.
    Effect.catch((error) => (isStreamNameInUse(error) ? look : Effect.fail(error)))
  )

  const adopt = Effect.fnUntraced(function* (info: StreamInfo) {
    const { no_ack = false, discard_new_per_subject = false, ...config } = info.config
    const { fatal, warnings } = StreamRules.check({ ...config, no_ack, discard_new_per_subject }, wanted)
    if (fatal.length > 0) {
      return yield* new QueueMisconfigured({
        message:
          `stream ${wanted.name} exists with settings that would lose calls:\n` +
          fatal.map((line) => `  - ${line}`).join("\n") +
          `\nChange it (nats stream edit ${wanted.name}), or remove it when it is empty (nats stream delete ${wanted.name}); it is then made again as it should be.`
      })
    }
    health.report("stream", { ok: true, detail: wanted.name })
    if (created === info.created) return
    const isReset = created !== ""
    created = info.created
    if (isReset) yield* Effect.logWarning(`stream ${wanted.name} was deleted and made again`)
    for (const line of warnings) yield* Effect.logWarning(`stream ${wanted.name}: ${line}`)
  })

  const findOr = <E>(make: Effect.Effect<StreamInfo, E>) =>
    Effect.catch(look, (error) => (isStreamNotFound(error) ? make : Effect.fail(error)))
  const ensure = Effect.suspend(() =>
    findOr(created === "" ? add : Effect.delay(findOr(add), RESET_PAUSE))
  ).pipe(Effect.mapError(toQueueError), Effect.flatMap(adopt))
  yield* ensure.pipe(
    Effect.tapError((error) =>
      error._tag === "QueueError" && error.reason === "unavailable"
        ? Effect.logWarning("JetStream does not answer, trying again", {
            stream: wanted.name,
            reason: error.detail
          })
        : Effect.void
    ),
    Effect.retry({
      schedule: waitForJetStream,
      while: (error) => error._tag === "QueueError" && error.reason === "unavailable"
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
    queue: options.queue,
    name: wanted.name,
    subjects: options.subjects,
    created: () => created,
    ensure
  })
})
