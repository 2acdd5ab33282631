import { Context, Effect, Layer } from "effect"
import { Exposition } from "../src/telemetry/Exposition.ts"
import { Metrics } from "../src/telemetry/Metrics.ts"
import * as EveryMetric from "../test/support/EveryMetric.ts"
import { median } from "./Median.ts"

const scrapes = 10

interface Scraped {
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
    EveryMetric.fill(Context.get(context, Metrics), functions)
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
