/** The wiring of what a program tells of itself. */
import { Effect, Layer } from "effect"
import { Nats } from "../queue/Nats.ts"
import type { Settings } from "../settings/Settings.ts"
import * as Exposition from "../telemetry/Exposition.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import * as Otlp from "../telemetry/Otlp.ts"
import { version } from "../version.ts"

type Program = "worker" | "gateway"

/** What programs count and trace with, and what they show. */
export const telemetry = (settings: Settings, ...programs: ReadonlyArray<Program>) =>
  Layer.merge(
    Exposition.Exposition.layer({ queueName: settings.queueName, programs, version }),
    Otlp.layer({
      serviceName: programs.length === 1 ? `sluice-${programs[0]}` : "sluice",
      version,
      linkConsumers: settings.traceConsumer === "link"
    })
  )

/** Counts how often the program's connection to NATS came back. */
export const countReconnects = (program: Program) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { onReconnect } = yield* Nats
      const { gatewayReconnects, workerReconnects } = yield* Metrics
      const reconnects = program === "worker" ? workerReconnects : gatewayReconnects
      yield* Effect.acquireRelease(
        Effect.sync(() => onReconnect(() => reconnects.count())),
        (stop) => Effect.sync(stop)
      )
    })
  )
