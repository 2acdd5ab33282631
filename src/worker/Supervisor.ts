import { Duration, Effect, Latch, Layer, Option } from "effect"
import type { Lane } from "../domain/Lane.ts"
import { Backlog } from "../queue/Backlog.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { WakeUps } from "../queue/WakeUps.ts"
import * as Actors from "./Actors.ts"
import type { LaneKind } from "./LaneKind.ts"
import * as Look from "./Look.ts"

export interface SupervisorOptions extends Actors.ActorsOptions {
  /** how often work is looked for that nobody told us about, milliseconds */
  readonly discoveryIntervalMillis: number
}

/**
 * Finds lanes that have work and gives it to their actors: at once when our gateway says so, and within
 * the discovery interval when somebody else has published.
 */
export const layer = <L extends Lane, E, R>(
  kind: Effect.Effect<LaneKind<L>, E, R>,
  options: SupervisorOptions
) => Layer.effectDiscard(Effect.flatMap(kind, (kind) => supervise(kind, options)))

const supervise = Effect.fnUntraced(function* <L extends Lane>(
  kind: LaneKind<L>,
  options: SupervisorOptions
) {
  const stream = yield* QueueStream
  const backlog = yield* Backlog
  const wakeUps = yield* WakeUps
  const lookNow = Latch.makeUnsafe()
  const actors = yield* Actors.make(kind, options, () => lookNow.openUnsafe())
  // After the actors, so that it ends before they drain: nobody looks any more then.
  const looked = yield* Look.make(options.discoveryIntervalMillis)

  yield* wakeUps.listen((subject) =>
    Option.match(kind.parse(subject), {
      onNone: () => undefined,
      onSome: (lane) => actors.of(lane)?.published()
    })
  )

  let strayedBefore: ReadonlySet<string> = new Set()
  const discover = Effect.gen(function* () {
    const found = looked(yield* backlog.unfinished)
    const lanes = new Map<L, number>()
    const strayed = new Set<string>()
    for (const [subject, count] of found.counts) {
      const lane = kind.parse(subject)
      if (Option.isSome(lane)) {
        // In static mode all subjects are of one lane.
        lanes.set(lane.value, (lanes.get(lane.value) ?? 0) + count)
        continue
      }
      strayed.add(subject)
      if (!strayedBefore.has(subject)) {
        yield* Effect.logWarning(`calls on a subject that belongs to no ${kind.noun}; nobody serves them`, {
          subject
        })
      }
    }
    strayedBefore = strayed
    for (const [lane, count] of lanes) actors.of(lane)?.backlog(count)
    yield* kind.metrics.discovered(found, lanes)
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
