import type { ConsumerConfig, ConsumerInfo } from "@nats-io/jetstream"
import { Effect } from "effect"
import * as ConsumerPlan from "../domain/ConsumerPlan.ts"
import { ackWaitMillis, EVERYTHING, type Lane } from "../domain/Lane.ts"
import * as ScalingMode from "../domain/ScalingMode.ts"
import * as StreamCreation from "../domain/StreamCreation.ts"
import { Nats } from "./Nats.ts"
import { isConsumerNotFound, isConsumerNotUnique, toQueueError } from "./natsErrors.ts"
import { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"

export interface ConsumerOptions {
  readonly ackWaitMillis: number
  /** how long the server keeps a consumer that nobody pulls from, milliseconds */
  readonly inactiveThresholdMillis: number
}

interface Prepared {
  readonly name: string
  /** when it was made, as a token: tells it from another one of the same name */
  readonly created: string
}

/** There may be one for each of thousands of functions. */
const MOST_NAMED = 3

/**
 * The durable consumer of a lane: found, made, or brought up to date. Nothing here ever deletes one:
 * between the look and the delete another replica may have pulled, and its call would run twice.
 */
export const make = Effect.fnUntraced(function* (options: ConsumerOptions) {
  const { manager, request } = yield* Nats
  const stream = yield* QueueStream
  let isOtherModeTold = false

  /** Two modes serve the queue, and this worker's came too late: its calls are the other's, or wait for its end. */
  const otherMode = Effect.fnUntraced(function* (rivals: ReadonlyArray<string>) {
    // All lanes meet the same ones, each of them again and again.
    if (!isOtherModeTold) {
      isOtherModeTold = true
      yield* Effect.logWarning(
        "workers in the other scaling_mode serve the queue, this one cannot: stop those of one mode",
        { stream: stream.name, consumers: rivals.slice(0, MOST_NAMED).join(", ") }
      )
    }
    return yield* new QueueError({
      reason: "unavailable",
      detail: `consumers of the other scaling mode are on ${stream.name}`
    })
  })

  /**
   * The lane's consumer, on the stream made at `created`; `stream-gone` when that one is not
   * there any more.
   */
  const ensure = Effect.fnUntraced(
    function* (lane: Lane, created: string) {
      const durable = lane.consumerName(created)
      const filter = lane.subject === EVERYTHING ? undefined : lane.subject
      const wanted = {
        ...(filter === undefined ? {} : { filter_subject: filter }),
        ack_policy: "explicit",
        ack_wait: ackWaitMillis(lane, options.ackWaitMillis) * 1e6,
        inactive_threshold: options.inactiveThresholdMillis * 1e6,
        // Calls that wait for a retry count as unacknowledged; with a limit they would stop all others.
        max_ack_pending: -1,
        // A call that reached it would stay in the stream for ever; giving up is the worker's decision.
        max_deliver: -1
      } satisfies Partial<ConsumerConfig>

      const update = ({ name, config, created }: ConsumerInfo) => {
        const prepared: Prepared = { name, created: StreamCreation.token(created) }
        const changes = ConsumerPlan.changes({ ...config }, wanted)
        return Object.keys(changes).length === 0
          ? Effect.succeed(prepared)
          : request(() => manager.consumers.update(stream.name, name, changes)).pipe(
              Effect.andThen(
                Effect.logInfo("consumer updated", { consumer: name, changed: Object.keys(changes) })
              ),
              Effect.as(prepared)
            )
      }

      /** A consumer that somebody else made for the same lane, under a name of theirs. */
      const adopt = Effect.gen(function* () {
        const others = yield* request(async () => {
          const all = []
          for await (const info of manager.consumers.list(stream.name)) all.push(info)
          return all
        })
        const ours = others.find(
          ({ config }) =>
            (config.filter_subject || undefined) === filter && config.deliver_subject === undefined
        )
        if (ours !== undefined) return yield* update(ours)
        const rivals = ScalingMode.rivalsOf(
          durable,
          others.map(({ name }) => name),
          created
        )
        if (rivals.length > 0) return yield* otherMode(rivals)
        const names = others
          .map((info) => `${info.name} (${info.config.filter_subject ?? "everything"})`)
          .join(", ")
        return yield* new QueueError({
          reason: "refused",
          detail: `no consumer for ${filter ?? "everything"} can be made on ${stream.name}: it overlaps with ${names}. Remove those with nats consumer rm ${stream.name} NAME; no call is lost by that.`
        })
      })

      // A stream that an operator has deleted and somebody made again has its own sequences: under a name from
      // before, an acknowledgement of an old delivery would remove a new call.
      const sameStream = request(() => manager.streams.info(stream.name)).pipe(
        Effect.flatMap((info) =>
          info.created === created
            ? Effect.void
            : Effect.fail(new QueueError({ reason: "stream-gone", detail: `${stream.name} was made again` }))
        )
      )

      const add = request(() =>
        manager.consumers.add(stream.name, { ...wanted, durable_name: durable })
      ).pipe(
        Effect.map((info): Prepared => ({ name: info.name, created: StreamCreation.token(info.created) })),
        Effect.catch((error) => (isConsumerNotUnique(error) ? adopt : Effect.fail(error)))
      )

      return yield* request(() => manager.consumers.info(stream.name, durable)).pipe(
        Effect.matchEffect({
          onSuccess: update,
          onFailure: (error) =>
            isConsumerNotFound(error) ? Effect.andThen(sameStream, add) : Effect.fail(error)
        }),
        Effect.tap(() => Effect.sync(() => void (isOtherModeTold = false)))
      )
    },
    Effect.mapError((error) => (error instanceof QueueError ? error : toQueueError(error)))
  )

  /** Calls of the consumer that are not finished, 0 when it does not exist. */
  const unfinished = (name: string): Effect.Effect<number, QueueError> =>
    request(() => manager.consumers.info(stream.name, name)).pipe(
      Effect.map((info) => info.num_pending + info.num_ack_pending),
      Effect.catch((error) =>
        isConsumerNotFound(error) ? Effect.succeed(0) : Effect.fail(toQueueError(error))
      )
    )

  return { ensure, unfinished }
})
