import { type Attributes, SpanKind, TraceFlags } from "@opentelemetry/api"
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SamplingDecision,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler
} from "@opentelemetry/sdk-trace-base"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import * as TraceHeaders from "../../src/telemetry/TraceHeaders.ts"
import { TraceIds } from "../../src/telemetry/TraceIds.ts"
import * as Traces from "../../src/telemetry/Traces.ts"

const tracing = (ratio: number, options: { parentDecides?: boolean; linkConsumers?: boolean } = {}) => {
  const exporter = new InMemorySpanExporter()
  const ids = new TraceIds()
  const provider = new BasicTracerProvider({
    idGenerator: ids,
    spanProcessors: [new SimpleSpanProcessor(exporter)]
  })
  const traces = Traces.make({
    tracer: provider.getTracer("of a test"),
    ids,
    sampler: new TraceIdRatioBasedSampler(ratio),
    parentDecides: true,
    linkConsumers: false,
    ...options
  })
  return { traces, exporter }
}

const nothing = (): Attributes => ({})

const unsayable = (): never => {
  throw new Error("this cannot be said")
}

it.effect("what a step cannot say of itself is left out, and what it lasts for goes on", () =>
  Effect.gen(function* () {
    const { traces } = tracing(1)
    const span = traces.start({}, "process", "consumer", unsayable)
    span.set(unsayable)
    const child = span.child("POST", "client", unsayable)
    expect(yield* span.during(child.during(Effect.succeed("the answer")))).toBe("the answer")
  })
)

const parent = (flags: "00" | "01") => ({
  Traceparent: [`00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`],
  Tracestate: ["vendor=1"]
})

it("a trace that begins here is sampled by its id, and tells others so", () => {
  fc.assert(
    fc.property(fc.constantFrom(0, 0.2, 0.5, 1), fc.boolean(), (ratio, parentDecides) => {
      const { traces } = tracing(ratio, { parentDecides })
      const sampler = new TraceIdRatioBasedSampler(ratio)
      const spans = Array.from({ length: 200 }, () => traces.start({}, "receive", "server", nothing))
      const steps = spans.map((span) => TraceHeaders.read(span.headers({})))
      for (const [index, step] of steps.entries()) {
        if (step === undefined) throw new Error("it is not told")
        const isSampled = spans[index]?.traceId === step.traceId
        expect(step.traceFlags).toBe(isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE)
        expect(
          sampler.shouldSample(undefined, step.traceId).decision === SamplingDecision.RECORD_AND_SAMPLED
        ).toBe(isSampled)
      }
      const ids = steps.flatMap((step) => [step?.traceId, step?.spanId])
      expect(new Set(ids).size).toBe(2 * steps.length)
    }),
    { numRuns: 20 }
  )
})

it("a trace goes on as its caller has decided, whatever the ratio", () => {
  const all = tracing(1)
  expect(all.traces.start(parent("00"), "receive", "server", nothing).traceId).toBeUndefined()
  const none = tracing(0)
  const span = none.traces.start(parent("01"), "receive", "server", nothing)
  expect(span.traceId).toBe("0af7651916cd43dd8448eb211c80319c")
  expect(span.headers({})).toMatchObject({ Tracestate: ["vendor=1"] })
})

it("a sampler that does not ask the caller decides by the id of his trace", () => {
  const all = tracing(1, { parentDecides: false })
  expect(all.traces.start(parent("00"), "receive", "server", nothing).traceId).toBe(
    "0af7651916cd43dd8448eb211c80319c"
  )
  const none = tracing(0, { parentDecides: false })
  const unrecorded = none.traces.start(parent("01"), "receive", "server", nothing)
  expect(unrecorded.traceId).toBeUndefined()
  const told = unrecorded.headers(parent("01"))
  expect(TraceHeaders.read(told)).toMatchObject({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    traceFlags: TraceFlags.NONE
  })
  expect(told).toMatchObject({ Tracestate: ["vendor=1"] })
  expect(TraceHeaders.read(told)?.spanId).not.toBe("b7ad6b7169203331")
})

it.effect("what a linked consumer does is a trace of its own, sampled when the producer's is", () =>
  Effect.gen(function* () {
    const { exporter, traces } = tracing(0, { linkConsumers: true })
    yield* traces.start(parent("01"), "process", "consumer", nothing).during(Effect.void)
    yield* traces.start(parent("01"), "callback", "client", nothing).during(Effect.void)
    const [process, callback] = exporter.getFinishedSpans()
    expect(process?.kind).toBe(SpanKind.CONSUMER)
    expect(process?.spanContext().traceId).not.toBe("0af7651916cd43dd8448eb211c80319c")
    expect(process?.links.map(({ context }) => context.spanId)).toEqual(["b7ad6b7169203331"])
    expect(process?.parentSpanContext).toBeUndefined()
    expect(callback?.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c")
    expect(traces.start(parent("00"), "process", "consumer", nothing).headers({})).toEqual({})
  })
)
