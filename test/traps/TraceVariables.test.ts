import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnProgram, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import { start } from "../support/TracedQueue.ts"

it.live("the standard variables say where spans go, how, and whose they are", () =>
  Effect.gen(function* () {
    const { collector, environment, otel } = yield* start({
      OTEL_TRACES_SAMPLER: "always_on",
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=one,authorization=Basic%20abc",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_SERVICE_NAME: "calls",
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "10",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=other"
    })
    const elsewhere = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/tenant/v1/traces` }
    const worker = yield* spawnProgram(["worker"], { ...environment, ...otel, ...elsewhere })
    yield* worker.log.line("stream created")
    const stranger = yield* Stranger.meet(environment.NATS_URL)
    yield* stranger.publish("echo", { Function: "echo" })
    const [span] = yield* collector.collected(2)
    expect(span).toMatchObject({
      service: "calls",
      resource: { "service.version": expect.any(String), "deployment.environment.name": "test" }
    })
    const texts = Object.values(span?.attributes ?? {}).filter((value) => typeof value === "string")
    expect(Math.max(...texts.map(({ length }) => length))).toBe(10)
    const [request] = collector.requests
    expect(request?.url).toBe("/tenant/v1/traces")
    expect(request?.headers).toMatchObject({
      "content-encoding": "gzip",
      "x-tenant": "one",
      authorization: "Basic abc"
    })
  })
)

it.live("with OTEL_SDK_DISABLED no span is made", () =>
  Effect.gen(function* () {
    const variables = { OTEL_TRACES_SAMPLER: "always_on", OTEL_SDK_DISABLED: "true" }
    const { collector, environment, fn } = yield* start(variables)
    const worker = yield* startWorker(environment)
    const stranger = yield* Stranger.meet(environment.NATS_URL)
    yield* stranger.publish("echo", { Function: "echo" })
    const [request] = yield* fn.received(1)
    expect(request?.header("traceparent")).toBeUndefined()
    yield* worker.stop
    expect(collector.requests).toEqual([])
  })
)

it.live("a variable that cannot be used ends the program with its name and what is allowed", () =>
  Effect.gen(function* () {
    const { environment, otel } = yield* start({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })
    for (const program of ["gateway", "worker"]) {
      const started = yield* spawnProgram([program], { ...environment, ...otel })
      expect(yield* started.exit).toBe(2)
      expect(started.log.with("OTEL_EXPORTER_OTLP_PROTOCOL").map(({ message }) => message)).toEqual([
        'sluice: OTEL_EXPORTER_OTLP_PROTOCOL="grpc" is not allowed: it must be http/protobuf or http/json'
      ])
    }
  })
)
