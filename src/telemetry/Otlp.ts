import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http"
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto"
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes
} from "@opentelemetry/resources"
import { Context, Data, Effect, Layer, Result } from "effect"
import { ratioSampler } from "./RatioSampler.ts"
import * as SpanBatches from "./SpanBatches.ts"
import * as TraceSettings from "./TraceSettings.ts"
import { TraceIds } from "./TraceIds.ts"
import { make, Traces } from "./Traces.ts"

interface OtlpOptions {
  /** `OTEL_SERVICE_NAME` when that is not set */
  readonly serviceName: string
  readonly version: string
  /** what a worker does with a call goes into a trace of its own, with a link to the caller's */
  readonly linkConsumers: boolean
}

/** A standard variable of OpenTelemetry has a value that cannot be used; people have to change it. */
class TracesMisconfigured extends Data.TaggedError("TracesMisconfigured")<{
  readonly message: string
}> {}

/** An export that was given up may go on beside the next one: not without end. */
const limits = { concurrencyLimit: 2 }

/**
 * Traces by OTLP over HTTP, as the standard variables of OpenTelemetry say; nothing without an endpoint.
 * Spans wait in a queue of bounded length: with the collector down or slow, the newest are dropped.
 */
export const layer = (options: OtlpOptions): Layer.Layer<never, TracesMisconfigured> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const read = TraceSettings.read(process.env)
      if (Result.isFailure(read)) return yield* new TracesMisconfigured({ message: read.failure })
      if (read.success === undefined) return Context.empty()
      return Context.make(Traces, yield* traces(options, read.success)) as Context.Context<never>
    })
  )

const traces = Effect.fnUntraced(function* (options: OtlpOptions, settings: TraceSettings.TraceSettings) {
  const exporter = settings.encoding === "json" ? new JsonExporter(limits) : new ProtobufExporter(limits)
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        "service.name": options.serviceName,
        "service.version": options.version,
        "service.instance.id": crypto.randomUUID()
      })
    )
    .merge(detectResources({ detectors: [envDetector] }))
  return make({
    recorder: {
      ids: new TraceIds(),
      resource,
      scope: { name: "sluice", version: options.version },
      longestText: settings.longestText,
      ended: yield* SpanBatches.make(exporter, settings.batches)
    },
    sampler: ratioSampler(settings.ratio),
    parentDecides: settings.parentDecides,
    linkConsumers: options.linkConsumers
  })
})
