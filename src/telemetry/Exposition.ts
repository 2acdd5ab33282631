import * as OtelMetrics from "@effect/opentelemetry/OtelMetrics"
import * as Resource from "@effect/opentelemetry/Resource"
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus"
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics"
import { Clock, Context, Effect, Layer, Metric } from "effect"
import * as EventLoopDelay from "./EventLoopDelay.ts"
import { Instruments } from "./Instruments.ts"
import { live, Metrics } from "./Metrics.ts"

interface ExpositionOptions {
  /** the program's own queue */
  readonly queueName: string
  readonly programs: ReadonlyArray<"worker" | "gateway">
  readonly version: string
}

/** The text of Prometheus's format; what `/metrics` answers. */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

/**
 * What Prometheus scrapes, by OpenTelemetry's exporter. There is no `target_info`: it would repeat what
 * Prometheus knows of its targets. With it come the instruments that the program counts with.
 */
export class Exposition extends Context.Service<Exposition, { readonly text: Effect.Effect<string> }>()(
  "sluice/telemetry/Exposition"
) {
  static readonly layer = (options: ExpositionOptions) => Layer.effectContext(make(options))
}

const make = Effect.fnUntraced(function* (options: ExpositionOptions) {
  const instruments = new Instruments(options.queueName)
  const metrics = live(instruments, options.programs)
  metrics.buildInfo.set(1, options.version)
  yield* EventLoopDelay.observe(metrics)

  const producer = yield* OtelMetrics.makeProducer().pipe(
    Effect.provide(Resource.layerEmpty),
    Effect.provideService(Metric.MetricRegistry, Context.get(instruments.context, Metric.MetricRegistry))
  )
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true)
  const text = Effect.gen(function* () {
    instruments.sweep(yield* Clock.currentTimeMillis)
    const { resourceMetrics } = yield* Effect.promise(() => producer.collect())
    return serializer.serialize(withoutUnits(resourceMetrics))
  })
  return Context.make(Exposition, { text }).pipe(Context.add(Metrics, metrics))
})

/** Every unit is said to be "1", which would be written beside names that end in `_seconds` and `_bytes`. */
const withoutUnits = (resourceMetrics: ResourceMetrics): ResourceMetrics => ({
  ...resourceMetrics,
  scopeMetrics: resourceMetrics.scopeMetrics.map(({ metrics, scope }) => ({
    scope,
    metrics: metrics.map((metric) => ({ ...metric, descriptor: { ...metric.descriptor, unit: "" } }))
  }))
})
