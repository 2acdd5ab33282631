import type { Live } from "../../src/telemetry/Metrics.ts"

/** Gives so many functions with long names everything that a worker tells of a function. */
export const fill = (metrics: Live, functions: number): void => {
  for (let n = 0; n < functions; n++) {
    const fn = `a-function-with-a-long-name-${n}.some-namespace`
    for (const status of ["2xx", "4xx", "5xx", "timeout"]) metrics.attempts.count(fn, status)
    for (const counter of [metrics.rejections, metrics.retries]) counter.count(fn)
    for (const seconds of [0.001, 0.123456789, 60]) metrics.execution.record(seconds, fn)
    metrics.pendingMessages.set(n, fn)
    metrics.oldestCallAge.set(n / 7, fn)
    for (const gauge of [
      metrics.invocationsInFlight,
      metrics.functionLimit,
      metrics.functionPermits,
      metrics.functionClosed,
      metrics.callsHeld,
      metrics.callsDelayed
    ]) {
      gauge.watch(() => n, fn)
    }
  }
}
