import { Context, Effect, Layer } from "effect"
import { Exposition } from "../src/telemetry/Exposition.ts"
import { median } from "./Statistics.ts"
import { Metrics } from "../src/telemetry/Metrics.ts"

const scrapes = 10

export interface Scraped {
  readonly bytes: number
  /** CPU of the first scrape, which the compiler has never seen. */
  readonly firstMillis: number
  /** Of one after it, the median. */
  readonly laterMillis: number
}

/** What it takes to expose the metrics of a worker that serves so many functions. */
export const measure = (functions: number) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(
      Exposition.layer({ queueName: "bench", programs: ["worker"], version: "bench" })
    )
    const metrics = Context.get(context, Metrics)
    for (let n = 0; n < functions; n++) {
      const fn = `some-function-${n}.openfaas-fn`
      for (const status of ["2xx", "4xx", "5xx", "timeout"]) metrics.attempts.count(fn, status)
      for (const counter of [metrics.rejections, metrics.retries]) counter.count(fn)
      for (const seconds of [0.001, 0.123, 60]) metrics.execution.record(seconds, fn)
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
    const { text } = Context.get(context, Exposition)
    const times: Array<number> = []
    let bytes = 0
    for (let n = 0; n <= scrapes; n++) {
      const before = process.cpuUsage()
      bytes = Buffer.byteLength(yield* text)
      const { system, user } = process.cpuUsage(before)
      times.push((user + system) / 1000)
    }
    const [firstMillis = Number.NaN, ...later] = times
    return { bytes, firstMillis, laterMillis: median(later) } satisfies Scraped
  }).pipe(Effect.scoped)
