import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { Gate } from "../support/Gate.ts"
import * as LateReceiver from "../support/LateReceiver.ts"
import { natsClient, post, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"
import { callersTrace, sampled, spanIdOf, start } from "../support/TracedQueue.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 90_000 })

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
