import {
  type Attributes,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  trace,
  TraceFlags,
  type Tracer
} from "@opentelemetry/api"
import { Context } from "effect"
import type { HeaderMap } from "../domain/Headers.ts"
import { type Kind, kindOf, made, none, recorded, type Span, unrecorded } from "./Span.ts"
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
  /** samples as it is configured */
  readonly tracer: Tracer
  /** samples everything, for a trace that goes on from one that is sampled, by a link */
  readonly following: Tracer
  /** a trace that was not sampled where it began is not sampled here either */
  readonly parentDecides: boolean
  /** what a consumer does goes into a trace of its own, with a link to the producer's */
  readonly linkConsumers: boolean
}

export const make = ({ tracer, following, parentDecides, linkConsumers }: TracesOptions): Live => ({
  start: (headers, name, kind, attributes) => {
    const parent = TraceHeaders.read(headers)
    const sampledThere = parent !== undefined && (parent.traceFlags & TraceFlags.SAMPLED) !== 0
    if (parent !== undefined && !sampledThere && parentDecides) return none

    const options = { kind: kindOf(kind) }
    if (linkConsumers && kind === "consumer" && parent !== undefined) {
      const own = sampledThere && parentDecides ? following : tracer
      const linked = { ...options, root: true, links: [{ context: parent }] }
      return spanOf(own, own.startSpan(name, linked, ROOT_CONTEXT), attributes)
    }
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
    return spanOf(tracer, tracer.startSpan(name, options, context), attributes)
  }
})

const spanOf = (tracer: Tracer, span: OtelSpan, attributes: () => Attributes): Span =>
  // No sampler of ours looks at attributes, so that only what is recorded has to have some.
  span.isRecording() ? recorded(tracer, span.setAttributes(made(attributes))) : unrecorded(span)
