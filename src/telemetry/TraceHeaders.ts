import { type Context, ROOT_CONTEXT, type SpanContext, trace } from "@opentelemetry/api"
import { W3CTraceContextPropagator } from "@opentelemetry/core"
import * as Headers from "../domain/Headers.ts"

/** W3C Trace Context: which trace a request belongs to travels in its headers, and so in a stored call. */
const propagator = new W3CTraceContextPropagator()
const names: ReadonlySet<string> = new Set(["Traceparent", "Tracestate"])

const getter = {
  get: (map: Headers.HeaderMap, name: string): string | undefined => {
    const values = Headers.values(map, Headers.canonical(name))
    // Tracestate may be split over several headers; a second traceparent says that nobody knows which is right.
    return name === "tracestate" ? values.join(",") || undefined : values.length === 1 ? values[0] : undefined
  },
  keys: (map: Headers.HeaderMap): Array<string> => Object.keys(map)
}

/** The step that the headers tell to continue from, when they do. */
export const read = (map: Headers.HeaderMap): SpanContext | undefined =>
  Headers.values(map, "Traceparent").length === 0
    ? undefined
    : trace.getSpanContext(propagator.extract(ROOT_CONTEXT, map, getter))

/** What the headers tell of a trace, and nothing else of them; a few hundred bytes at most. */
export const only = (map: Headers.HeaderMap): Headers.HeaderMap => {
  const context = read(map)
  return context === undefined ? {} : write(trace.setSpanContext(ROOT_CONTEXT, context), {})
}

/** The headers with the context's step instead of any other. */
export const write = (context: Context, map: Headers.HeaderMap): Headers.HeaderMap => {
  const written: Record<string, ReadonlyArray<string>> = { ...map }
  for (const name of Object.keys(map)) if (names.has(Headers.canonical(name))) delete written[name]
  propagator.inject(context, written, {
    set: (carrier, name, value) => void (carrier[Headers.canonical(name)] = [value])
  })
  return written
}
