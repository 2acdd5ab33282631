import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api"
import type * as Otel from "@opentelemetry/api"
import { Cause, Effect, Exit } from "effect"
import type { HeaderMap } from "../domain/Headers.ts"
import * as TraceHeaders from "./TraceHeaders.ts"

/** A server answers, a producer puts into a queue, a consumer takes out of it, a client asks. */
export type Kind = "server" | "producer" | "consumer" | "client"

const kinds: Readonly<Record<Kind, SpanKind>> = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT
}

export const kindOf = (kind: Kind): SpanKind => kinds[kind]

/** One step of a call's trace. Most calls are not traced: then nothing of this does anything. */
export interface Span {
  /** Undefined when the step is not recorded. */
  readonly traceId: string | undefined
  /** The headers with this step as the one to continue from. */
  readonly headers: (map: HeaderMap) => HeaderMap
  /** Attributes are made only when they are recorded. */
  readonly child: (name: string, kind: Kind, attributes: () => Attributes) => Span
  readonly set: (attributes: () => Attributes) => void
  readonly failed: (reason: string) => void
  /** The step lasts as long as the effect, whose log lines name the trace. */
  readonly during: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Of a trace that does not exist. */
export const none: Span = {
  traceId: undefined,
  headers: (map) => map,
  child: () => none,
  set: () => {},
  failed: () => {},
  during: (effect) => effect
}

/** Of a trace that is not recorded, which whoever continues it has to know. */
export const unrecorded = (step: Otel.SpanContext): Span => {
  const self: Span = {
    ...none,
    child: () => self,
    headers: (map) => TraceHeaders.write(step, map)
  }
  return self
}

/** What a step says of itself. A call does not fail for what cannot be said. */
export const made = (attributes: () => Attributes): Attributes => {
  try {
    return attributes()
  } catch {
    return {}
  }
}

/** The first step that is recorded here. */
export const recorded = (tracer: Otel.Tracer, span: Otel.Span): Span => {
  const step = recordedStep(tracer, span)
  // Once for all steps: those below happen within this one.
  const named = Effect.annotateLogs("trace_id", span.spanContext().traceId)
  return { ...step, during: (effect) => step.during(named(effect)) }
}

const recordedStep = (tracer: Otel.Tracer, span: Otel.Span): Span => {
  const step = span.spanContext()
  const failed = (message: string) => void span.setStatus({ code: SpanStatusCode.ERROR, message })
  return {
    traceId: step.traceId,
    headers: (map) => TraceHeaders.write(step, map),
    child: (name, kind, attributes) =>
      recordedStep(
        tracer,
        tracer.startSpan(
          name,
          { kind: kindOf(kind), attributes: made(attributes) },
          trace.setSpan(ROOT_CONTEXT, span)
        )
      ),
    set: (attributes) => void span.setAttributes(made(attributes)),
    failed,
    during: Effect.onExit((exit) =>
      Effect.sync(() => {
        if (Exit.isFailure(exit)) {
          failed(Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : String(Cause.squash(exit.cause)))
        }
        span.end()
      })
    )
  }
}
