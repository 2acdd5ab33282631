import { monitorEventLoopDelay } from "node:perf_hooks"
import { Duration, Effect } from "effect"
import type { Live } from "./Metrics.ts"

const RESOLUTION_MILLIS = 20
const WINDOW = Duration.seconds(10)

/** Tells how late the event loop was lately, until the scope closes. */
export const observe = Effect.fnUntraced(function* (metrics: Live) {
  const monitor = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS })
      monitor.enable()
      return monitor
    }),
    (monitor) => Effect.sync(() => void monitor.disable())
  )
  // It counts the time between two ticks of its own timer.
  const ofThisWindow = () => Math.max(0, monitor.percentile(99) / 1e9 - RESOLUTION_MILLIS / 1e3)
  let ofLastWindow = 0
  const nextWindow = Effect.sync(() => {
    ofLastWindow = ofThisWindow()
    monitor.reset()
  })
  // By the clock and not by who reads: of two that scrape, the second one would find an empty window.
  yield* Effect.forkScoped(Effect.forever(Effect.delay(nextWindow, WINDOW)))
  yield* Effect.acquireRelease(
    Effect.sync(() => metrics.eventLoopDelay.watch(() => Math.max(ofLastWindow, ofThisWindow()))),
    (unwatch) => Effect.sync(unwatch)
  )
})
