import { Cause, Duration, Effect, FiberMap, Latch, Layer, Option, Schedule } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"
import { Backlog } from "../queue/Backlog.ts"
import { QueueError } from "../queue/QueueError.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { WakeUps } from "../queue/WakeUps.ts"
import * as Actor from "./Actor.ts"

export interface SupervisorOptions extends Actor.ActorOptions {
  /** how often work is looked for that nobody told us about, milliseconds */
  readonly discoveryIntervalMillis: number
  /** how long running calls may take after the worker was told to stop, milliseconds */
  readonly shutdownGraceMillis: number
}

/**
 * One actor for each function that has work, made when work appears: by a wake-up from our gateway, or by
 * discovery, which finds what anybody published. An actor that dies is started again, and nobody else notices.
 */
export const layer = (options: SupervisorOptions) => Layer.effectDiscard(supervise(options))

const restart = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

const supervise = Effect.fnUntraced(function* (options: SupervisorOptions) {
  const stream = yield* QueueStream
  const backlog = yield* Backlog
  const wakeUps = yield* WakeUps
  const makeActor = yield* Actor.factory(options)
  const actors = new Map<string, { readonly actor: Actor.Actor; readonly streamCreated: string }>()
  const fibers = yield* FiberMap.make<string, void, never>()
  const runFiber = yield* FiberMap.runtime(fibers)()
  const lookNow = Latch.makeUnsafe()
  let draining = false

  const supervised = (key: string, actor: Actor.Actor) =>
    actor.run.pipe(
      Effect.tapCause((cause) => {
        if (Cause.hasFails(cause) && isStreamGone(Cause.squash(cause))) {
          actor.retire()
          return Latch.open(lookNow)
        }
        return Effect.logError("an actor has died, it is started again", cause, {
          function: FunctionName.key(actor.fn)
        })
      }),
      Effect.sandbox,
      Effect.retry({ schedule: restart, while: () => !actor.ended() }),
      Effect.ignore,
      Effect.ensuring(Effect.sync(() => actors.get(key)?.actor === actor && actors.delete(key)))
    )

  /** The function's actor, made when there is none. */
  const actorOf = (fn: FunctionName.FunctionName): Actor.Actor => {
    // An actor belongs to one stream: after an operator's reset a new one serves the new stream, while the
    // old one lets its calls finish.
    const streamCreated = stream.created()
    const key = `${FunctionName.key(fn)} ${streamCreated}`
    const present = actors.get(key)?.actor
    if (present !== undefined && !present.ended()) return present
    const actor = makeActor(fn)
    actors.set(key, { actor, streamCreated })
    runFiber(key, supervised(key, actor))
    return actor
  }

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      draining = true
      for (const { actor } of actors.values()) actor.retire()
      if (actors.size === 0) return
      yield* Effect.logInfo("draining", { functions: actors.size, grace: options.shutdownGraceMillis / 1000 })
      const grace = Duration.millis(options.shutdownGraceMillis)
      const drained = yield* Effect.timeoutOption(FiberMap.awaitEmpty(fibers), grace)
      if (Option.isSome(drained)) return
      yield* Effect.logWarning("shutdown_grace is over, running calls go back to the queue", {
        functions: [...actors.values()].map(({ actor }) => FunctionName.key(actor.fn))
      })
    }).pipe(Effect.interruptible)
  )

  yield* wakeUps.listen((subject) => {
    if (draining) return
    Option.match(stream.subjects.parse(subject), {
      onNone: () => undefined,
      onSome: (fn) => actorOf(fn).published()
    })
  })

  const strayed = new Set<string>()
  const discover = Effect.gen(function* () {
    const found = yield* backlog.unfinished
    if (draining) return
    for (const { fn, count } of found.calls.values()) actorOf(fn).backlog(count)
    for (const subject of found.strayed) {
      if (strayed.has(subject)) continue
      strayed.add(subject)
      yield* Effect.logWarning("calls on a subject that belongs to no function; nobody serves them", {
        subject
      })
    }
  })

  /** Ends the actors of a stream that an operator has deleted, which is how a queue is reset. */
  const retireStale = Effect.suspend(() => {
    const stale = [...actors.values()].filter(
      ({ actor, streamCreated }) => streamCreated !== stream.created() && !actor.ended()
    )
    for (const { actor } of stale) actor.retire()
    return stale.length === 0
      ? Effect.void
      : Effect.logWarning("the stream was deleted and made again, its actors end", {
          functions: stale.length
        })
  })

  let trouble: string | undefined
  const look = discover.pipe(
    Effect.catch((error) => (isStreamGone(error) ? stream.ensure : Effect.fail(error))),
    Effect.andThen(retireStale),
    Effect.matchEffect({
      onSuccess: () => Effect.sync(() => void (trouble = undefined)),
      onFailure: (error) => {
        if (error.message === trouble) return Effect.void
        trouble = error.message
        return Effect.logWarning("work cannot be discovered", { reason: error.message })
      }
    })
  )
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        yield* look
        yield* Effect.timeoutOption(lookNow.await, Duration.millis(options.discoveryIntervalMillis))
        yield* Latch.close(lookNow)
      })
    )
  )
})

const isStreamGone = (error: unknown): boolean =>
  error instanceof QueueError && error.reason === "stream-gone"
