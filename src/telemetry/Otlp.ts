import { ExportResultCode, type ExportResult } from "@opentelemetry/core"
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http"
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto"
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes
} from "@opentelemetry/resources"
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace-base"
import { Context, Data, Duration, Effect, Layer, Result } from "effect"
import { ratioSampler } from "./RatioSampler.ts"
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

/** After a failure the SDK exports the next batch beside the one that it tries again: not without end. */
const limits = { concurrencyLimit: 2 }

/** A collector that does not answer must not hold up the end of the program. */
const FLUSH_TIMEOUT = Duration.seconds(3)

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
  const log = Effect.runForkWith(yield* Effect.context<never>())
  const exporter = new Telling(
    settings.encoding === "json" ? new JsonExporter(limits) : new ProtobufExporter(limits),
    (reason) =>
      void log(
        reason === undefined
          ? Effect.logInfo("traces are exported again")
          : Effect.logWarning("traces cannot be exported, they are dropped", { reason })
      )
  )
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        "service.name": options.serviceName,
        "service.version": options.version,
        "service.instance.id": crypto.randomUUID()
      })
    )
    .merge(detectResources({ detectors: [envDetector] }))
  const batches = new BatchSpanProcessor(exporter)
  yield* Effect.addFinalizer(() =>
    Effect.promise(() => batches.shutdown().catch(() => undefined)).pipe(
      Effect.interruptible,
      Effect.timeoutOption(FLUSH_TIMEOUT)
    )
  )
  return make({
    recorder: {
      ids: new TraceIds(),
      resource,
      scope: { name: "sluice", version: options.version },
      longestText: settings.longestText,
      ended: (span) => batches.onEnd(span)
    },
    sampler: ratioSampler(settings.ratio),
    parentDecides: settings.parentDecides,
    linkConsumers: options.linkConsumers
  })
})

/** Tells when exporting begins to fail, and when it works again. */
class Telling implements SpanExporter {
  readonly #exporter: SpanExporter
  readonly #tell: (failure: string | undefined) => void
  #failing = false

  constructor(exporter: SpanExporter, tell: (failure: string | undefined) => void) {
    this.#exporter = exporter
    this.#tell = tell
  }

  export(spans: Array<ReadableSpan>, done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      const failing = result.code !== ExportResultCode.SUCCESS
      if (failing !== this.#failing)
        this.#tell(failing ? (result.error?.message ?? "no reason given") : undefined)
      this.#failing = failing
      done(result)
    })
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }
}
