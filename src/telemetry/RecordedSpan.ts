import {
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags
} from "@opentelemetry/api"
import { AnchoredClock, hrTimeDuration, type InstrumentationScope, millisToHrTime } from "@opentelemetry/core"
import type { Resource } from "@opentelemetry/resources"
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base"
import { Cause, Effect, Exit, Predicate } from "effect"
import type { HeaderMap } from "../domain/Headers.ts"
import { type Kind, kindOf, type Span } from "./Span.ts"
import * as TraceHeaders from "./TraceHeaders.ts"
import type { TraceIds } from "./TraceIds.ts"

/** What all recorded steps of a program have in common. */
export interface Recorder {
  readonly ids: TraceIds
  readonly resource: Resource
  readonly scope: InstrumentationScope
  /** the longest text of an attribute, characters; the rest is cut off */
  readonly longestText: number
  /** takes each step when it has ended */
  readonly ended: (span: ReadableSpan) => void
}

/** Where a step belongs. */
interface Place {
  readonly traceId: string
  /** the step that it continues from; undefined begins the trace */
  readonly parent: SpanContext | undefined
  readonly links: ReadonlyArray<SpanContext>
  /** of the step that it is a part of here, or it could begin before that */
  readonly clock?: AnchoredClock
}

const notYet: HrTime = [0, 0]
const unset: SpanStatus = { code: SpanStatusCode.UNSET }

/**
 * A step as OpenTelemetry's exporters read it. The SDK's own span checks and copies each attribute three times,
 * which is a good part of what tracing a call costs (`npm run bench:telemetry`); ours are right as they are made.
 */
export class RecordedSpan implements Span, ReadableSpan {
  readonly traceId: string
  readonly name: string
  readonly kind: SpanKind
  readonly parentSpanContext?: SpanContext
  readonly links: Array<Link>
  readonly attributes: Attributes
  readonly events: ReadableSpan["events"] = []
  readonly droppedAttributesCount = 0
  readonly droppedEventsCount = 0
  readonly droppedLinksCount = 0
  readonly startTime: HrTime
  endTime: HrTime = notYet
  status: SpanStatus = unset
  readonly #recorder: Recorder
  readonly #clock: AnchoredClock
  readonly #context: SpanContext
  readonly #isFirst: boolean

  constructor(recorder: Recorder, place: Place, name: string, kind: Kind, attributes: () => Attributes) {
    const { clock, links, parent, traceId } = place
    this.#recorder = recorder
    this.#isFirst = clock === undefined
    this.#clock = clock ?? new AnchoredClock(Date, performance)
    this.#context = {
      traceId,
      spanId: recorder.ids.nextSpanId(),
      // What else they say is the caller's: that the trace's id is random, for example.
      traceFlags: (parent?.traceFlags ?? TraceFlags.NONE) | TraceFlags.SAMPLED,
      ...(parent?.traceState === undefined ? {} : { traceState: parent.traceState })
    }
    this.traceId = traceId
    this.name = name
    this.kind = kindOf(kind)
    if (parent !== undefined) this.parentSpanContext = parent
    this.links = links.map((context) => ({ context }))
    this.startTime = millisToHrTime(this.#clock.now())
    this.attributes = this.#said(attributes)
  }

  get resource(): Resource {
    return this.#recorder.resource
  }

  get instrumentationScope(): InstrumentationScope {
    return this.#recorder.scope
  }

  get ended(): boolean {
    return this.endTime !== notYet
  }

  get duration(): HrTime {
    return hrTimeDuration(this.startTime, this.endTime)
  }

  spanContext(): SpanContext {
    return this.#context
  }

  headers(map: HeaderMap): HeaderMap {
    return TraceHeaders.write(this.#context, map)
  }

  child(name: string, kind: Kind, attributes: () => Attributes): Span {
    const place = { traceId: this.traceId, parent: this.#context, links: [], clock: this.#clock }
    return new RecordedSpan(this.#recorder, place, name, kind, attributes)
  }

  set(attributes: () => Attributes): void {
    Object.assign(this.attributes, this.#said(attributes))
  }

  failed(type: string, reason = type): void {
    this.attributes["error.type"] = type
    this.status = { code: SpanStatusCode.ERROR, message: reason }
  }

  during<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const ending = Effect.onExit(effect, (exit) => {
      if (Exit.isFailure(exit)) this.#failedBy(exit.cause)
      this.#end()
      return Effect.void
    })
    // Once for all steps: those below happen within this one.
    return this.#isFirst ? Effect.annotateLogs(ending, "trace_id", this.traceId) : ending
  }

  #failedBy(cause: Cause.Cause<unknown>): void {
    if (Cause.hasInterruptsOnly(cause)) return this.failed("interrupted")
    const error = Cause.squash(cause)
    this.failed(Predicate.hasProperty(error, "reason") ? String(error.reason) : typeOf(error), String(error))
  }

  #end(): void {
    this.endTime = millisToHrTime(this.#clock.now())
    this.#recorder.ended(this)
  }

  /** A call does not fail for what cannot be said of it. */
  #said(attributes: () => Attributes): Attributes {
    try {
      const { longestText } = this.#recorder
      return longestText === Number.POSITIVE_INFINITY ? attributes() : shortened(attributes(), longestText)
    } catch {
      return {}
    }
  }
}

const typeOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

const shortened = (attributes: Attributes, longestText: number): Attributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === "string" ? value.slice(0, longestText) : value
    ])
  )
