import { Effect } from "effect"
import * as ScalingMode from "../domain/ScalingMode.ts"
import { Nats } from "./Nats.ts"
import { describe, isConsumerNotFound, isForbidden, toQueueError } from "./natsErrors.ts"
import { QueueMisconfigured } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"
import { untilAnswered } from "./UntilAnswered.ts"

/** Waiting does not help who may not do it: people have to change that. */
const untilAllowed =
  (what: string) =>
  <A>(question: Effect.Effect<A, unknown>): Effect.Effect<A, QueueMisconfigured> =>
    question.pipe(
      Effect.retry({
        schedule: untilAnswered,
        while: (error) => !isForbidden(error) && !(error instanceof QueueMisconfigured)
      }),
      Effect.mapError((error) =>
        error instanceof QueueMisconfigured
          ? error
          : new QueueMisconfigured({
              message: `NATS does not let us ${what}: ${toQueueError(error).detail}`
            })
      )
    )

/**
 * The consumers on the queue's stream, as signs of a mode.
 *
 * @param unknown is called with the reason while they cannot be listed
 */
export const make = Effect.fnUntraced(function* (
  mode: ScalingMode.ScalingMode,
  unknown: (detail: string) => void
) {
  const { manager, request } = yield* Nats
  const stream = yield* QueueStream
  const modeOf = (consumer: string) => ScalingMode.ofConsumer(consumer, stream.created())

  // An operator may reset the queue while we wait.
  const all = Effect.andThen(
    stream.ensure,
    request(() => Array.fromAsync(manager.consumers.list(stream.name)))
  ).pipe(
    Effect.map((consumers) => consumers.map(({ name }) => name)),
    Effect.tapError((error) =>
      Effect.sync(() => unknown(`the consumers of ${stream.name} cannot be listed: ${describe(error)}`))
    ),
    untilAllowed("list the queue's consumers")
  )

  /** The mode whose consumers are there. */
  const inForce = Effect.map(all, (names): ScalingMode.ScalingMode | undefined => {
    const modes = names.map(modeOf)
    return modes.includes(ScalingMode.other(mode))
      ? ScalingMode.other(mode)
      : modes.find((one) => one === mode)
  })

  /** Those of the other mode. */
  const theirs = Effect.map(all, (names) => names.filter((name) => modeOf(name) === ScalingMode.other(mode)))

  const removeTheirs = Effect.gen(function* () {
    const names = yield* theirs
    for (const name of names) {
      yield* request(() => manager.consumers.delete(stream.name, name)).pipe(
        Effect.catch((error) => (isConsumerNotFound(error) ? Effect.void : Effect.fail(error)))
      )
    }
    if (names.length > 0) {
      yield* Effect.logInfo("the scaling mode of the queue has changed", {
        queue: stream.queue,
        scaling_mode: mode,
        consumers_removed: names.length
      })
    }
  }).pipe(untilAllowed("remove the consumers of the other scaling mode"))

  return { inForce, theirs, removeTheirs }
})
