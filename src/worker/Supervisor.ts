import { Duration, Effect, Latch, Layer, Option } from "effect"
import { Backlog } from "../queue/Backlog.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { WakeUps } from "../queue/WakeUps.ts"
import * as Actors from "./Actors.ts"
import * as QueueGauges from "./QueueGauges.ts"

export interface SupervisorOptions extends Actors.ActorsOptions {
  /** how often work is looked for that nobody told us about, milliseconds */
  readonly discoveryIntervalMillis: number
}

/**
 * Finds functions that have work and gives it to their actors: at once when our gateway says so, and within
 * the discovery interval when somebody else has published.
 */
export const layer = (options: SupervisorOptions) => Layer.effectDiscard(supervise(options))

const supervise = Effect.fnUntraced(function* (options: SupervisorOptions) {
  const stream = yield* QueueStream
  const backlog = yield* Backlog
  const wakeUps = yield* WakeUps
  const lookNow = Latch.makeUnsafe()
  const showQueue = yield* QueueGauges.make
  const actors = yield* Actors.make(options, () => lookNow.openUnsafe())

  yield* wakeUps.listen((subject) =>
    Option.match(stream.subjects.parse(subject), {
      onNone: () => undefined,
      onSome: (fn) => actors.of(fn)?.published()
    })
  )

  const strayed = new Set<string>()
  const discover = Effect.gen(function* () {
    const found = yield* backlog.unfinished
    for (const { fn, count } of found.calls.values()) actors.of(fn)?.backlog(count)
    for (const subject of found.strayed) {
      if (strayed.has(subject)) continue
      strayed.add(subject)
      yield* Effect.logWarning("calls on a subject that belongs to no function; nobody serves them", {
        subject
      })
    }
    yield* showQueue(found)
  })

  let trouble: string | undefined
  const look = discover.pipe(
    Effect.catch((error) =>
      error.reason === "stream-gone" ? Effect.andThen(stream.ensure, discover) : Effect.fail(error)
    ),
    Effect.andThen(actors.retireStale),
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
        yield* Latch.close(lookNow)
        yield* look
        yield* Effect.timeoutOption(lookNow.await, Duration.millis(options.discoveryIntervalMillis))
      })
    )
  )
})
