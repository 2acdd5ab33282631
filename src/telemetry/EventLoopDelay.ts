import { monitorEventLoopDelay } from "node:perf_hooks"
import { Effect } from "effect"
import type { Live } from "./Metrics.ts"

const RESOLUTION_MILLIS = 20
const WINDOW_MILLIS = 10_000

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
  let since = performance.now()
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      metrics.eventLoopDelay.watch(() => {
        // It counts the time between two ticks of its own timer.
        const seconds = Math.max(0, monitor.percentile(99) / 1e9 - RESOLUTION_MILLIS / 1e3)
        if (performance.now() - since > WINDOW_MILLIS) {
          since = performance.now()
          monitor.reset()
        }
        return seconds
      })
    ),
    (unwatch) => Effect.sync(unwatch)
  )
})
