import { type Attributes, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api"
import { defaultResource } from "@opentelemetry/resources"
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { ratioSampler } from "../../src/telemetry/RatioSampler.ts"
import * as TraceHeaders from "../../src/telemetry/TraceHeaders.ts"
import { TraceIds } from "../../src/telemetry/TraceIds.ts"
import * as Traces from "../../src/telemetry/Traces.ts"

interface Options {
  readonly parentDecides?: boolean
  readonly linkConsumers?: boolean
  readonly longestText?: number
}

const tracing = (ratio: number, options: Options = {}) => {
  const { linkConsumers = false, longestText = Number.POSITIVE_INFINITY, parentDecides = true } = options
  const spans: Array<ReadableSpan> = []
  const traces = Traces.make({
    recorder: {
      ids: new TraceIds(),
      resource: defaultResource(),
      scope: { name: "of a test" },
      longestText,
      ended: (span) => void spans.push(span)
    },
    sampler: ratioSampler(ratio),
    parentDecides,
    linkConsumers
  })
  return { traces, spans }
}

const nothing = (): Attributes => ({})

const unsayable = (): never => {
  throw new Error("this cannot be said")
}

it.effect("what a step cannot say of itself is left out, and what it lasts for goes on", () =>
  Effect.gen(function* () {
    const { spans, traces } = tracing(1)
    const span = traces.start({}, "process", "consumer", unsayable)
    span.set(() => ({ "sluice.verdict": "done" }))
    span.set(unsayable)
    const child = span.child("POST", "client", unsayable)
    expect(yield* span.during(child.during(Effect.succeed("the answer")))).toBe("the answer")
    expect(spans.map(({ attributes }) => attributes)).toEqual([{}, { "sluice.verdict": "done" }])
  })
)

it.effect("a step is told when it has ended, with what it lasted for and what became of it", () =>
  Effect.gen(function* () {
    const { spans, traces } = tracing(1, { longestText: 5 })
    const attributes = { "url.full": "http://host/", "http.request.body.size": 1_234_567 }
    const outer = traces.start({}, "process", "consumer", () => attributes)
    const inner = outer.child("POST", "client", nothing)
    inner.set(() => ({ "server.address": "127.0.0.1", "sluice.attempt": 2 }))
    expect(spans).toEqual([])
    yield* outer.during(Effect.exit(inner.during(Effect.fail("it broke"))))
    const [failed, whole] = spans
    expect(failed).toMatchObject({
      name: "POST",
      kind: SpanKind.CLIENT,
      attributes: { "server.address": "127.0", "sluice.attempt": 2, "error.type": "string" },
      status: { code: SpanStatusCode.ERROR, message: "it broke" }
    })
    expect(failed?.ended).toBe(true)
    expect(whole).toMatchObject({
      attributes: { "url.full": "http:", "http.request.body.size": 1_234_567 },
      status: { code: SpanStatusCode.UNSET },
      parentSpanContext: undefined
    })
    expect(failed?.parentSpanContext).toEqual(whole?.spanContext())
    // The parts of a step lie within it: by one clock, whatever the system's does.
    const times = [whole?.startTime, failed?.startTime, failed?.endTime, whole?.endTime]
    const nanos = times.map((time) => BigInt(time?.[0] ?? 0) * 1_000_000_000n + BigInt(time?.[1] ?? 0))
    expect(nanos.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(nanos)
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
      const sampler = ratioSampler(ratio)
      const spans = Array.from({ length: 200 }, () => traces.start({}, "receive", "server", nothing))
      const steps = spans.map((span) => TraceHeaders.read(span.headers({})))
      for (const [index, step] of steps.entries()) {
        if (step === undefined) throw new Error("it is not told")
        const isSampled = spans[index]?.traceId === step.traceId
        expect(step.traceFlags).toBe(isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE)
        expect(sampler(step.traceId)).toBe(isSampled)
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
    const { spans, traces } = tracing(0, { linkConsumers: true })
    yield* traces.start(parent("01"), "process", "consumer", nothing).during(Effect.void)
    yield* traces.start(parent("01"), "callback", "client", nothing).during(Effect.void)
    const [process, callback] = spans
    expect(process?.kind).toBe(SpanKind.CONSUMER)
    expect(process?.spanContext().traceId).not.toBe("0af7651916cd43dd8448eb211c80319c")
    expect(process?.links.map(({ context }) => context.spanId)).toEqual(["b7ad6b7169203331"])
    expect(process?.parentSpanContext).toBeUndefined()
    expect(callback?.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c")
    expect(traces.start(parent("00"), "process", "consumer", nothing).headers({})).toEqual({})
  })
)
