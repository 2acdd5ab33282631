import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import { type Environment, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import { start } from "../support/TracedQueue.ts"

describe("a collector", () => {
  const calls = 300
  const bounded = {
    OTEL_TRACES_SAMPLER: "always_on",
    OTEL_BSP_MAX_QUEUE_SIZE: "32",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "16",
    OTEL_EXPORTER_OTLP_TIMEOUT: "400"
  }
  const serveAll = Effect.fnUntraced(function* (environment: Environment & { readonly NATS_URL: string }) {
    const stranger = yield* Stranger.meet(environment.NATS_URL)
    const worker = yield* startWorker(environment)
    for (let n = 0; n < calls; n++) yield* stranger.publish("echo", { Function: "echo" })
    yield* stranger.acked(calls)
    yield* stranger.allFinished
    return worker
  })

  it.live("that does not answer holds up no call, no memory and no end, and is warned of once", () =>
    Effect.gen(function* () {
      const { collector, environment, fn } = yield* start(bounded)
      yield* collector.fallSilent
      const worker = yield* serveAll(environment)
      expect(fn.requests).toHaveLength(calls)
      const line = yield* worker.log.line("traces cannot be exported")
      expect(line.level).toBe("Warn")
      expect(collector.mostOpen()).toBeLessThanOrEqual(4)
      yield* collector.recover
      const stranger = yield* Stranger.meet(environment.NATS_URL)
      yield* eventually(
        "traces are exported again",
        Effect.gen(function* () {
          yield* stranger.publish("echo", { Function: "echo" })
          return worker.log.with("traces are exported again").length === 1
        })
      )
      // Of 600 spans those are left that had room in the queue, and the new ones.
      const ofOldCalls = collector.spans.filter(
        ({ attributes }) => Number(attributes["sluice.sequence"]) <= calls
      )
      expect(ofOldCalls.length).toBeLessThanOrEqual(48)
      yield* collector.fallSilent
      yield* worker.stop
      expect(worker.log.with("traces cannot be exported").length).toBeLessThanOrEqual(2)
    })
  )

  it.live("that is not there costs no call", () =>
    Effect.gen(function* () {
      const { environment, fn } = yield* start({
        ...bounded,
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1"
      })
      const worker = yield* serveAll(environment)
      expect(fn.requests).toHaveLength(calls)
      yield* worker.log.line("traces cannot be exported")
      yield* worker.stop
    })
  )
})
