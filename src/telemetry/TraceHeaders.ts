import type { SpanContext } from "@opentelemetry/api"
import { parseTraceParent, TraceState } from "@opentelemetry/core"
import * as Headers from "../domain/Headers.ts"

/** W3C Trace Context: which trace a request belongs to travels in its headers, and so in a stored call. */
const names: ReadonlySet<string> = new Set(["Traceparent", "Tracestate"])

/** The step that the headers tell to continue from, when they do. */
export const read = (map: Headers.HeaderMap): SpanContext | undefined => {
  // A second one says that nobody knows which is right.
  const [traceparent, second] = Headers.values(map, "Traceparent")
  if (traceparent === undefined || second !== undefined) return undefined
  const step = parseTraceParent(traceparent)
  if (step === null) return undefined
  // It may be split over several headers.
  const tracestate = Headers.values(map, "Tracestate").join(",")
  return {
    ...step,
    isRemote: true,
    ...(tracestate === "" ? {} : { traceState: new TraceState(tracestate) })
  }
}

/** What the headers tell of a trace, and nothing else of them; a few hundred bytes at most. */
export const only = (map: Headers.HeaderMap): Headers.HeaderMap => {
  const step = read(map)
  return step === undefined ? {} : write(step, {})
}

/** The headers with the step instead of any other. */
export const write = (step: SpanContext, map: Headers.HeaderMap): Headers.HeaderMap => {
  const written: Record<string, ReadonlyArray<string>> = { ...map }
  for (const name of Object.keys(map)) if (names.has(Headers.canonical(name))) delete written[name]
  const flags = step.traceFlags.toString(16).padStart(2, "0")
  written["Traceparent"] = [`00-${step.traceId}-${step.spanId}-${flags}`]
  const tracestate = step.traceState?.serialize() ?? ""
  if (tracestate !== "") written["Tracestate"] = [tracestate]
  return written
}
