import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Gate } from "../support/Gate.ts"
import { post, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import {
  callersSpan,
  callersTrace,
  notSampled,
  sampled,
  setVariables,
  spanIdOf,
  start,
  traceIdOf
} from "../support/TracedQueue.ts"

const destination = "messaging.destination.name"

/** OpenTelemetry's numbers. */
const kind = { server: 2, client: 3, producer: 4, consumer: 5 }

it.live.each(["http/protobuf", "http/json"])(
  "a caller's trace goes on through gateway, queue, both attempts and the callback (%s)",
  (protocol) =>
    Effect.gen(function* () {
      const { collector, environment, fn, receiver } = yield* start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol })
      fn.answer((_, response) => void response.writeHead(fn.requests.length === 1 ? 500 : 200).end())
      const gateway = yield* startGateway(environment)
      yield* startWorker(environment)
      yield* post(`${gateway.url}/async-function/echo/sub?secret=1`, {
        body: "work",
        headers: {
          traceparent: sampled,
          tracestate: "vendor=value",
          "X-Call-Id": "call-1",
          "X-Callback-Url": `${receiver.url}/done?secret=2`
        }
      })
      const spans = yield* collector.collected(7)
      expect(spans.map(({ name }) => name)).toEqual([
        "receive",
        "publish",
        "process",
        "POST",
        "process",
        "POST",
        "callback"
      ])
      const [receive, publish, first, attempt1, second, attempt2, callback] = spans
      expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([callersTrace]))
      expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([
        callersSpan,
        receive?.spanId,
        publish?.spanId,
        first?.spanId,
        publish?.spanId,
        second?.spanId,
        second?.spanId
      ])
      expect(spans.map((span) => span.kind)).toEqual([
        kind.server,
        kind.producer,
        kind.consumer,
        kind.client,
        kind.consumer,
        kind.client,
        kind.client
      ])
      expect(spans.map(({ isError }) => isError)).toEqual([false, false, false, true, false, false, false])
      expect(spans.map(({ service }) => service)).toEqual([
        ...Array(2).fill("sluice-gateway"),
        ...Array(5).fill("sluice-worker")
      ])
      for (const span of [receive, publish, first, second]) {
        expect(span?.attributes["sluice.call_id"]).toBe("call-1")
      }
      expect(new Set([publish, first, second].map((span) => span?.attributes[destination]))).toEqual(
        new Set(["faas-request.echo.openfaas-fn"])
      )
      expect(receive?.attributes).toMatchObject({
        "url.scheme": "http",
        "http.response.status_code": 202,
        "faas.invoked_name": "echo.openfaas-fn"
      })
      expect(first?.attributes).toMatchObject({
        "sluice.delivery": 1,
        "sluice.verdict": "retry",
        "sluice.queue_wait_seconds": expect.any(Number),
        "messaging.system": "nats"
      })
      expect(second?.attributes).toMatchObject({ "sluice.delivery": 2, "sluice.verdict": "done" })
      expect(attempt1?.attributes).toMatchObject({
        "http.request.method": "POST",
        "http.response.status_code": 500,
        "error.type": "500",
        "url.full": `${fn.url}/echo/sub`,
        "server.address": "127.0.0.1",
        "server.port": fn.port,
        "sluice.attempt": 1,
        "sluice.limiter.limit": 50,
        "sluice.limiter.in_flight": 1
      })
      expect(attempt2?.attributes).toMatchObject({
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
        "sluice.attempt": 2
      })
      expect(callback?.attributes["url.full"]).toBe(`${receiver.url}/done`)
      // The wait in the queue is the time between the two.
      expect(first && publish ? first.startNanos > publish.startNanos : false).toBe(true)
      expect(JSON.stringify(spans, (_, value) => (typeof value === "bigint" ? "" : value))).not.toContain(
        "secret"
      )

      expect(fn.requests.map(spanIdOf)).toEqual([attempt1?.spanId, attempt2?.spanId])
      expect(fn.requests.map((request) => request.header("tracestate"))).toEqual([
        "vendor=value",
        "vendor=value"
      ])
      const [reported] = yield* receiver.received(1)
      expect([traceIdOf(reported), spanIdOf(reported)]).toEqual([callersTrace, callback?.spanId])
    })
)

it.live(
  "a call that is refused for its caller's mistake is no failure of the gateway, one for want of NATS is",
  () =>
    Effect.gen(function* () {
      const { collector, environment, nats } = yield* start({})
      const gateway = yield* startGateway(environment)
      const call = (callId: string) =>
        post(`${gateway.url}/async-function/echo`, { headers: { traceparent: sampled, "X-Call-Id": callId } })
      expect((yield* call("x".repeat(200))).status).toBe(400)
      const [refused] = yield* collector.collected(1)
      expect(refused).toMatchObject({ isError: false, attributes: { "http.response.status_code": 400 } })
      expect(refused?.attributes).not.toHaveProperty("error.type")
      yield* nats.kill
      expect((yield* call("call-1")).status).toBe(503)
      const spans = yield* collector.collected(3)
      expect(spans.find(({ name, isError }) => name === "receive" && isError)?.attributes).toMatchObject({
        "http.response.status_code": 503,
        "error.type": "503"
      })
      expect(spans.find(({ name }) => name === "publish")).toMatchObject({
        isError: true,
        attributes: { "error.type": expect.stringMatching(/^not-/) }
      })
    })
)

it.live("a trace survives the death of a worker, and log lines name it", () =>
  Effect.gen(function* () {
    const { collector, environment, fn, otel } = yield* start({}, { ack_wait: "1s", debug: "true" })
    const gate = new Gate()
    fn.answer(async (_, response) => {
      await gate.pass()
      response.end()
    })
    const gateway = yield* startGateway(environment)
    const first = yield* spawnProgram(["worker"], { ...environment, ...otel })
    yield* first.log.line("listening")
    yield* post(`${gateway.url}/async-function/echo`, { headers: { traceparent: sampled } })
    yield* fn.received(1)
    yield* first.end("SIGKILL")
    const second = yield* spawnProgram(["worker"], { ...environment, ...otel })
    yield* fn.received(2)
    gate.open()
    const [, publish, process, attempt] = yield* collector.collected(4)
    expect(process).toMatchObject({
      name: "process",
      traceId: callersTrace,
      parentSpanId: publish?.spanId,
      attributes: { "sluice.delivery": 2 }
    })
    expect(attempt).toMatchObject({ name: "POST", parentSpanId: process?.spanId })
    const line = yield* second.log.line("invoked")
    expect(line.fields["trace_id"]).toBe(callersTrace)
  })
)

describe("what is not sampled", () => {
  it.live("where it began is not sampled here, and the function sees the caller's context", () =>
    Effect.gen(function* () {
      // What begins here is sampled: a callback that had lost the decision would begin a trace.
      const { collector, environment, fn, receiver } = yield* start({ OTEL_TRACES_SAMPLER_ARG: "1" })
      const gateway = yield* startGateway(environment)
      const worker = yield* startWorker(environment)
      yield* post(`${gateway.url}/async-function/echo`, {
        headers: { traceparent: notSampled, tracestate: "a=b", "X-Callback-Url": receiver.url }
      })
      for (const [request] of [yield* fn.received(1), yield* receiver.received(1)]) {
        expect(request?.header("traceparent")).toBe(notSampled)
        expect(request?.header("tracestate")).toBe("a=b")
      }
      yield* worker.stop
      yield* gateway.stop
      expect(collector.spans).toEqual([])
    })
  )

  it.live("by the gateway, where a trace begins, is not sampled by the worker", () =>
    Effect.gen(function* () {
      const { collector, environment, fn } = yield* start({ OTEL_TRACES_SAMPLER_ARG: "0" })
      const gateway = yield* startGateway(environment)
      yield* setVariables({ OTEL_TRACES_SAMPLER_ARG: "1" })
      const worker = yield* startWorker(environment)
      const stranger = yield* Stranger.meet(environment.NATS_URL)
      yield* post(`${gateway.url}/async-function/echo`)
      const [request] = yield* fn.received(1)
      expect(request?.header("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
      // A call by somebody who tells nothing of traces begins one here.
      yield* stranger.publish("echo", { Function: "echo" })
      const spans = yield* collector.collected(2)
      expect(spans.map(({ name, parentSpanId }) => [name, parentSpanId !== ""])).toEqual([
        ["process", false],
        ["POST", true]
      ])
      yield* worker.stop
      expect(collector.spans).toHaveLength(2)
    })
  )

  it.live("because there is no endpoint passes on what the caller sent, sampled or not", () =>
    Effect.gen(function* () {
      const { environment, fn, collector } = yield* start({ OTEL_EXPORTER_OTLP_ENDPOINT: "" })
      const gateway = yield* startGateway(environment)
      yield* startWorker(environment)
      yield* post(`${gateway.url}/async-function/echo`, { headers: { traceparent: sampled } })
      const [request] = yield* fn.received(1)
      expect(request?.header("traceparent")).toBe(sampled)
      expect(collector.spans).toEqual([])
    })
  )
})

it.live(
  "where it is so configured, the worker's part is a trace of its own with a link to the publisher",
  () =>
    Effect.gen(function* () {
      const { collector, environment, fn } = yield* start({ OTEL_TRACES_SAMPLER_ARG: "0" })
      const gateway = yield* startGateway(environment)
      yield* startWorker({ ...environment, trace_consumer: "link" })
      yield* post(`${gateway.url}/async-function/echo`, { headers: { traceparent: sampled } })
      const [, publish, process, attempt] = yield* collector.collected(4)
      expect(process?.traceId).not.toBe(callersTrace)
      expect(process?.parentSpanId).toBe("")
      expect(process?.links).toEqual([{ traceId: callersTrace, spanId: publish?.spanId }])
      expect(attempt).toMatchObject({ traceId: process?.traceId, parentSpanId: process?.spanId })
      expect(traceIdOf(fn.requests[0])).toBe(process?.traceId)
    })
)
