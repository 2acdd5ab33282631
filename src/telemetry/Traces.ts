import { type Attributes, ROOT_CONTEXT, trace, TraceFlags, type Tracer } from "@opentelemetry/api"
import { SamplingDecision, type TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace-base"
import { Context } from "effect"
import type { HeaderMap } from "../domain/Headers.ts"
import { type Kind, kindOf, made, none, recorded, type Span, unrecorded } from "./Span.ts"
import * as TraceHeaders from "./TraceHeaders.ts"
import type { TraceIds } from "./TraceIds.ts"

export interface Live {
  /**
   * The first step of a program, which continues where the headers say, or begins a trace. Most calls are not
   * sampled: what that costs has to be next to nothing.
   */
  readonly start: (headers: HeaderMap, name: string, kind: Kind, attributes: () => Attributes) => Span
}

/** Where programs trace. Who is given nothing else traces nothing. */
export const Traces = Context.Reference<Live>("sluice/telemetry/Traces", {
  defaultValue: () => ({ start: () => none })
})

interface TracesOptions {
  /** records every span it starts; its ids are from `ids` */
  readonly tracer: Tracer
  readonly ids: TraceIds
  /** which traces are sampled */
  readonly sampler: TraceIdRatioBasedSampler
  /** a trace is sampled here when it was sampled where it began, and not otherwise */
  readonly parentDecides: boolean
  /** what a consumer does goes into a trace of its own, with a link to the producer's */
  readonly linkConsumers: boolean
}

export const make = (options: TracesOptions): Live => {
  const { ids, linkConsumers, parentDecides, sampler, tracer } = options
  const isSampled = (traceId: string) =>
    sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED

  return {
    start: (headers, name, kind, attributes) => {
      const parent = TraceHeaders.read(headers)
      const isOwn = parent === undefined || (linkConsumers && kind === "consumer")
      const decided = parentDecides && parent !== undefined
      if (decided && (parent.traceFlags & TraceFlags.SAMPLED) === 0) return none

      if (!decided && !isSampled(isOwn ? ids.nextTraceId : parent.traceId)) {
        return unrecorded({
          ...(isOwn ? { traceId: ids.generateTraceId() } : parent),
          spanId: ids.generateSpanId(),
          traceFlags: TraceFlags.NONE
        })
      }
      const links = isOwn && parent !== undefined ? [{ context: parent }] : []
      const context = isOwn ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
      const step = { kind: kindOf(kind), links, attributes: made(attributes) }
      return recorded(tracer, tracer.startSpan(name, step, context))
    }
  }
}
