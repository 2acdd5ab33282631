import { Cause, Clock, Duration, Effect, FiberMap, Option, Schedule } from "effect"
import type { Lane } from "../domain/Lane.ts"
import { QueueError } from "../queue/QueueError.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { WakeUps } from "../queue/WakeUps.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import * as Actor from "./Actor.ts"
import type { LaneKind } from "./LaneKind.ts"

export interface ActorsOptions extends Actor.ActorOptions {
  /** how long running calls may take after the worker was told to stop, milliseconds */
  readonly shutdownGraceMillis: number
}

/** What the server refuses is met again and again. */
const TOLD_AGAIN_MILLIS = 10 * 60_000

const restart = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

/**
 * The actors of a worker for one kind of lanes, one for each lane that has work. One that dies is started again, and nobody
 * else notices. When the scope closes they stop asking, running calls get the grace, and the rest goes back
 * to the queue.
 *
 * @param streamGone is called when an actor finds that its stream is not there any more.
 */
export const make = Effect.fnUntraced(function* <L extends Lane>(
  kind: LaneKind<L>,
  options: ActorsOptions,
  streamGone: () => void
) {
  const stream = yield* QueueStream
  const wakeUps = yield* WakeUps
  const metrics = yield* Metrics
  const clock = yield* Clock.Clock
  const makeActor = yield* Actor.factory(kind, options)
  const actors = new Map<string, { readonly actor: Actor.Actor; readonly streamCreated: string }>()
  let draining = false

  // Runs after every call has been given back: other workers need not wait for their next discovery.
  let served: ReadonlyArray<string> = []
  yield* Effect.addFinalizer(() => Effect.sync(() => served.forEach((subject) => wakeUps.send(subject))))
  const fibers = yield* FiberMap.make<string, void, never>()
  const runFiber = yield* FiberMap.runtime(fibers)()

  const supervised = (key: string, actor: Actor.Actor) => {
    let told = { refusal: "", at: 0 }
    return actor.run.pipe(
      Effect.tapCause((cause) => {
        const error = Cause.squash(cause)
        if (error instanceof QueueError && error.reason === "stream-gone") {
          return Effect.sync(() => {
            actor.retire()
            streamGone()
          })
        }
        if (error instanceof QueueError && error.reason === "refused") {
          const now = clock.currentTimeMillisUnsafe()
          if (error.detail === told.refusal && now - told.at < TOLD_AGAIN_MILLIS) return Effect.void
          told = { refusal: error.detail, at: now }
          return Effect.logError("the server does not let us have calls, they are asked for again", {
            [kind.noun]: actor.lane.key,
            reason: error.detail
          })
        }
        metrics.actorsRestarted.count()
        return Effect.logError("an actor has died, it is started again", cause, {
          [kind.noun]: actor.lane.key
        })
      }),
      Effect.sandbox,
      Effect.retry({ schedule: restart, while: () => !actor.ended() }),
      Effect.ignore,
      Effect.ensuring(
        Effect.sync(() => {
          metrics.actorsEnded.count()
          if (actors.get(key)?.actor === actor) actors.delete(key)
        })
      )
    )
  }

  /** The lane's actor, made when there is none; undefined when the worker is about to stop. */
  const of = (lane: L): Actor.Actor | undefined => {
    if (draining) return undefined
    // An actor belongs to one stream: after an operator's reset a new one serves the new stream, while the
    // old one lets its calls finish.
    const streamCreated = stream.created()
    const key = `${lane.key} ${streamCreated}`
    const present = actors.get(key)?.actor
    if (present !== undefined && !present.ended()) return present
    const actor = makeActor(lane)
    actors.set(key, { actor, streamCreated })
    metrics.actorsStarted.count()
    runFiber(key, supervised(key, actor))
    return actor
  }

  /** Ends the actors of a stream that an operator has deleted, which is how a queue is reset. */
  const retireStale = Effect.sync(() => {
    for (const { actor, streamCreated } of actors.values()) {
      if (streamCreated !== stream.created()) actor.retire()
    }
  })

  const drain = Effect.gen(function* () {
    draining = true
    if (actors.size === 0) return
    served = [...actors.values()].map(({ actor }) => actor.lane.subject)
    for (const { actor } of actors.values()) actor.retire()
    yield* Effect.logInfo("draining", {
      [`${kind.noun}s`]: served.length,
      grace: options.shutdownGraceMillis / 1000
    })
    const grace = Duration.millis(options.shutdownGraceMillis)
    const drained = yield* Effect.timeoutOption(FiberMap.awaitEmpty(fibers), grace)
    if (Option.isSome(drained)) return
    yield* Effect.logWarning("shutdown_grace is over, running calls go back to the queue", {
      [`${kind.noun}s`]: [...actors.values()].map(({ actor }) => actor.lane.key)
    })
  })
  yield* Effect.addFinalizer(() => Effect.interruptible(drain))

  return { of, retireStale }
})
