import { Clock, Duration, Effect } from "effect"
import type { QueueError } from "../queue/QueueError.ts"
import type { Journal } from "./Journal.ts"
import { progress } from "./Progress.ts"
import type { Screen } from "./Screen.ts"

const INTERVAL = Duration.millis(100)

/** How long results may be missing when the queue is empty: they are delivered after their calls have left it. */
const GRACE_MILLIS = 10_000

interface Options {
  /** unfinished calls by the name of the function */
  readonly backlog: Effect.Effect<Readonly<Record<string, number>>, QueueError>
  /** Whether every call has been posted. */
  readonly posted: () => boolean
}

/** Notes how many calls each function has in the queue and shows how far the run is, until all are finished. */
export const untilFinished = Effect.fnUntraced(function* (
  options: Options,
  journal: Journal,
  screen: Screen
) {
  let emptySince: number | undefined
  while (true) {
    // Asked first: what is posted after the look would be missing in it.
    const posted = options.posted()
    const counts = yield* options.backlog
    const at = yield* Clock.currentTimeMillis
    journal.depth.push({ at, counts })
    screen.progress(progress(journal), at)

    if (posted && journal.waiting === 0) {
      emptySince ??= at
      if (journal.callbacks.length >= journal.accepted.length || at - emptySince > GRACE_MILLIS) return
    }
    yield* Effect.sleep(INTERVAL)
  }
})
