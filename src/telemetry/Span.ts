import { type Attributes, SpanKind } from "@opentelemetry/api"
import type * as Otel from "@opentelemetry/api"
import type { Effect } from "effect"
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
  headers(map: HeaderMap): HeaderMap
  /** Attributes are made only when they are recorded. */
  child(name: string, kind: Kind, attributes: () => Attributes): Span
  set(attributes: () => Attributes): void
  /** @param type one of a few words, by which failures are counted */
  failed(type: string, reason?: string): void
  /** The step lasts as long as the effect, and fails with it; log lines of the effect name the trace. */
  during<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R>
}

class NoSpan implements Span {
  readonly traceId = undefined

  headers(map: HeaderMap): HeaderMap {
    return map
  }

  child(): Span {
    return this
  }

  set(): void {}

  failed(): void {}

  during<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return effect
  }
}

/** Of a trace that does not exist. */
export const none: Span = new NoSpan()

/** Of a trace that is not recorded, which whoever continues it has to know. */
export class UnrecordedSpan extends NoSpan {
  readonly #step: Otel.SpanContext

  constructor(step: Otel.SpanContext) {
    super()
    this.#step = step
  }

  override headers(map: HeaderMap): HeaderMap {
    return TraceHeaders.write(this.#step, map)
  }
}
