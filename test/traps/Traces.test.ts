import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Collector from "../support/Collector.ts"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as LateReceiver from "../support/LateReceiver.ts"
import { startNats } from "../support/NatsServers.ts"
import {
  type Environment,
  natsClient,
  post,
  spawnProgram,
  startGateway,
  startWorker
} from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const callersTrace = "0af7651916cd43dd8448eb211c80319c"
const callersSpan = "b7ad6b7169203331"
const sampled = `00-${callersTrace}-${callersSpan}-01`
const notSampled = `00-${callersTrace}-${callersSpan}-00`

/** OpenTelemetry's numbers. */
const kind = { server: 2, client: 3, producer: 4, consumer: 5 }

/** Sets variables of this process, which programs within it read, until the end of the test. */
const setVariables = (variables: Environment) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
      Object.assign(process.env, variables)
      return before
    }),
    (before) =>
      Effect.sync(() => {
        for (const [name, value] of before) {
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        }
      })
  )

const start = Effect.fnUntraced(function* (variables: Environment, more: Environment = {}) {
  const collector = yield* Collector.start
  const otel = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "50", ...variables }
  yield* setVariables(otel)
  const nats = yield* startNats()
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...more }
  return { collector, nats, fn, receiver, environment, otel }
})

const traceIdOf = (request: HttpFunction.ReceivedRequest | undefined) =>
  request?.header("traceparent")?.split("-")[1]
const spanIdOf = (request: HttpFunction.ReceivedRequest | undefined) =>
  request?.header("traceparent")?.split("-")[2]

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
      expect(receive?.attributes).toMatchObject({
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

it.live("each try at a callback belongs to the delivery whose result it is, also in another worker", () =>
  Effect.gen(function* () {
    const { collector, environment, otel } = yield* start({}, { callback_retry_max_wait: "50ms" })
    const receiver = yield* LateReceiver.reserve
    const gateway = yield* startGateway(environment)
    const first = yield* spawnProgram(["worker"], { ...environment, ...otel, ack_wait: "1s" })
    yield* first.log.line("listening")
    yield* post(`${gateway.url}/async-function/echo`, {
      headers: { traceparent: sampled, "X-Call-Id": "call-1", "X-Callback-Url": `${receiver.url}/done` }
    })
    const failed = yield* first.log.line("callback not taken")
    expect(failed.fields["trace_id"]).toBe(callersTrace)
    const before = yield* collector.collected(5)
    yield* first.end("SIGKILL")
    expect(before.slice(2, 5).map(({ name }) => name)).toEqual(["process", "POST", "callback"])
    const process = before[2]
    expect(before[4]).toMatchObject({
      traceId: callersTrace,
      parentSpanId: process?.spanId,
      isError: true,
      attributes: { "sluice.attempt": 1, "sluice.call_id": "call-1", "error.type": "undelivered" }
    })
    const { received } = yield* receiver.start
    const second = yield* startWorker({ ...environment, ack_wait: "1s" })
    const [reported] = yield* received(1)
    yield* second.stop
    const delivered = collector.spans.find(({ name, isError }) => name === "callback" && !isError)
    expect(delivered).toMatchObject({
      traceId: callersTrace,
      parentSpanId: process?.spanId,
      attributes: { "http.response.status_code": 200, "url.full": `${receiver.url}/done` }
    })
    expect(spanIdOf(reported)).toBe(delivered?.spanId)
    expect(collector.spans.filter(({ name }) => name === "process")).toHaveLength(1)
  })
)

it.live("a result that is larger than a message keeps its trace", () =>
  Effect.gen(function* () {
    const { collector, environment, fn, nats, receiver } = yield* start({})
    const { connection } = yield* natsClient(nats.url)
    const larger = Buffer.alloc((connection.info?.max_payload ?? 0) + 1)
    fn.answer((_, response) => void response.end(larger))
    const gateway = yield* startGateway(environment)
    const worker = yield* startWorker(environment)
    yield* post(`${gateway.url}/async-function/echo`, {
      headers: { traceparent: sampled, "X-Callback-Url": receiver.url }
    })
    const [reported] = yield* receiver.received(1)
    yield* worker.stop
    const spans = new Map(collector.spans.map((span) => [span.name, span]))
    expect(spans.get("callback")?.parentSpanId).toBe(spans.get("process")?.spanId)
    expect(spanIdOf(reported)).toBe(spans.get("callback")?.spanId)
  })
)

it.live("a call that is given up because its workers died ends its trace, and that of its callback", () =>
  Effect.gen(function* () {
    const { collector, environment, fn, otel, receiver } = yield* start(
      {},
      { ack_wait: "1s", max_unfinished_deliveries: "1" }
    )
    const gate = new Gate()
    fn.answer((_, response) => gate.pass().then(() => void response.end()))
    const gateway = yield* startGateway(environment)
    yield* post(`${gateway.url}/async-function/echo`, {
      headers: { traceparent: sampled, "X-Callback-Url": receiver.url }
    })
    for (const times of [1, 2]) {
      const worker = yield* spawnProgram(["worker"], { ...environment, ...otel })
      yield* fn.received(times)
      yield* worker.end("SIGKILL")
    }
    const worker = yield* startWorker(environment)
    yield* receiver.received(1)
    yield* worker.stop
    const [, publish, process, callback] = yield* collector.collected(4)
    expect(process).toMatchObject({
      parentSpanId: publish?.spanId,
      isError: true,
      attributes: { "sluice.verdict": "dead" }
    })
    expect(callback).toMatchObject({ name: "callback", parentSpanId: process?.spanId, isError: false })
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

describe("a collector", () => {
  const calls = 300
  const bounded = {
    OTEL_TRACES_SAMPLER: "always_on",
    OTEL_BSP_MAX_QUEUE_SIZE: "32",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "16",
    OTEL_EXPORTER_OTLP_TIMEOUT: "400"
  }
  const serveAll = Effect.fnUntraced(function* (environment: Environment & { readonly NATS_URL: string }) {
    const stranger = yield* Stranger.meet(environment.NATS_URL)
    const worker = yield* startWorker(environment)
    for (let n = 0; n < calls; n++) yield* stranger.publish("echo", { Function: "echo" })
    yield* stranger.acked(calls)
    yield* stranger.allFinished
    return worker
  })

  it.live("that does not answer holds up no call, no memory and no end, and is warned of once", () =>
    Effect.gen(function* () {
      const { collector, environment, fn } = yield* start(bounded)
      yield* collector.fallSilent
      const worker = yield* serveAll(environment)
      expect(fn.requests).toHaveLength(calls)
      const line = yield* worker.log.line("traces cannot be exported")
      expect(line.level).toBe("Warn")
      expect(collector.mostOpen()).toBeLessThanOrEqual(4)
      yield* collector.recover
      const stranger = yield* Stranger.meet(environment.NATS_URL)
      yield* eventually(
        "traces are exported again",
        Effect.gen(function* () {
          yield* stranger.publish("echo", { Function: "echo" })
          return worker.log.with("traces are exported again").length === 1
        })
      )
      // Of 600 spans those are left that had room in the queue, and the new ones.
      const ofOldCalls = collector.spans.filter(
        ({ attributes }) => Number(attributes["sluice.sequence"]) <= calls
      )
      expect(ofOldCalls.length).toBeLessThanOrEqual(48)
      yield* collector.fallSilent
      yield* worker.stop
      expect(worker.log.with("traces cannot be exported").length).toBeLessThanOrEqual(2)
    })
  )

  it.live("that is not there costs no call", () =>
    Effect.gen(function* () {
      const { environment, fn } = yield* start({
        ...bounded,
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1"
      })
      const worker = yield* serveAll(environment)
      expect(fn.requests).toHaveLength(calls)
      yield* worker.log.line("traces cannot be exported")
      yield* worker.stop
    })
  )
})
