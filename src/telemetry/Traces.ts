import { type Attributes, TraceFlags } from "@opentelemetry/api"
import { Context } from "effect"
import type { HeaderMap } from "../domain/Headers.ts"
import { RecordedSpan, type Recorder } from "./RecordedSpan.ts"
import { type Kind, none, type Span, UnrecordedSpan } from "./Span.ts"
import * as TraceHeaders from "./TraceHeaders.ts"

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
  readonly recorder: Recorder
  /** whether the trace of an id is sampled */
  readonly sampler: (traceId: string) => boolean
  /** a trace is sampled here when it was sampled where it began, and not otherwise */
  readonly parentDecides: boolean
  /** what a consumer does goes into a trace of its own, with a link to the producer's */
  readonly linkConsumers: boolean
}

export const make = ({ linkConsumers, parentDecides, recorder, sampler }: TracesOptions): Live => {
  const { ids } = recorder
  return {
    start: (headers, name, kind, attributes) => {
      const told = TraceHeaders.read(headers)
      const isLinked = linkConsumers && kind === "consumer"
      const parent = isLinked ? undefined : told
      const traceId = parent?.traceId ?? ids.nextTraceId()
      if (told !== undefined && parentDecides) {
        if ((told.traceFlags & TraceFlags.SAMPLED) === 0) return none
      } else if (!sampler(traceId)) {
        const step = { traceId, spanId: ids.nextSpanId(), traceFlags: TraceFlags.NONE }
        if (parent === undefined) return new UnrecordedSpan(step)
        return new UnrecordedSpan({ ...parent, ...step, traceFlags: parent.traceFlags & ~TraceFlags.SAMPLED })
      }
      const links = isLinked && told !== undefined ? [told] : []
      return new RecordedSpan(recorder, { traceId, parent, links }, name, kind, attributes)
    }
  }
}
