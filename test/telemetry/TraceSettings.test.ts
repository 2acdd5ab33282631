import { Result } from "effect"
import { describe, expect, it } from "vitest"
import { read } from "../../src/telemetry/TraceSettings.ts"

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" }
const settings = (environment: Readonly<Record<string, string>>) => Result.getOrThrow(read(environment))

describe("where traces go", () => {
  it("is nowhere without an endpoint, and when it is switched off", () => {
    expect(settings({})).toBeUndefined()
    expect(settings({ OTEL_EXPORTER_OTLP_ENDPOINT: " " })).toBeUndefined()
    expect(settings({ OTEL_SERVICE_NAME: "x" })).toBeUndefined()
    expect(settings({ ...endpoint, OTEL_SDK_DISABLED: "true" })).toBeUndefined()
    expect(settings({ ...endpoint, OTEL_TRACES_EXPORTER: "none" })).toBeUndefined()
  })

  it("is an endpoint, in protocol buffers, one in a hundred of the traces that begin here", () => {
    const longestText = Number.POSITIVE_INFINITY
    const batches = { mostWaiting: 2_048, batchSize: 512, delayMillis: 5_000, exportTimeoutMillis: 30_000 }
    const standard = { encoding: "protobuf", ratio: 0.01, parentDecides: true, longestText, batches }
    expect(settings(endpoint)).toEqual(standard)
    expect(settings({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://c/v1/traces" })).toEqual(standard)
    expect(settings({ ...endpoint, OTEL_TRACES_SAMPLER_ARG: "0.5" })?.ratio).toBe(0.5)
    expect(settings({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" })?.encoding).toBe("json")
  })

  it.each([
    ["always_on", { ratio: 1, parentDecides: false }],
    ["always_off", { ratio: 0, parentDecides: false }],
    ["traceidratio", { ratio: 0.25, parentDecides: false }],
    ["parentbased_always_on", { ratio: 1, parentDecides: true }],
    ["parentbased_always_off", { ratio: 0, parentDecides: true }],
    ["parentbased_traceidratio", { ratio: 0.25, parentDecides: true }]
  ])("is sampled as %s says", (sampler, expected) => {
    const environment = { ...endpoint, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: "0.25" }
    expect(settings(environment)).toMatchObject(expected)
  })

  it("is all of them with a sampler by ratio that is given none, as OpenTelemetry has it", () => {
    expect(settings({ ...endpoint, OTEL_TRACES_SAMPLER: "traceidratio" })?.ratio).toBe(1)
  })

  it("has texts as long as the limit for steps says, or else the one for everything", () => {
    const everything = { ...endpoint, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "100" }
    expect(settings(everything)?.longestText).toBe(100)
    const steps = { ...everything, OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "50" }
    expect(settings(steps)?.longestText).toBe(50)
  })

  it("goes in batches as the variables of OpenTelemetry's batch processor say", () => {
    const variables = {
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
      OTEL_BSP_SCHEDULE_DELAY: "200",
      OTEL_BSP_EXPORT_TIMEOUT: "3000"
    }
    const batches = { mostWaiting: 100, batchSize: 10, delayMillis: 200, exportTimeoutMillis: 3_000 }
    expect(settings({ ...endpoint, ...variables })?.batches).toEqual(batches)
  })

  it.each([
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"],
    ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"],
    ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"],
    ["OTEL_BSP_SCHEDULE_DELAY", "soon"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_TRACES_EXPORTER", "zipkin"],
    ["OTEL_TRACES_SAMPLER", "sometimes"],
    ["OTEL_TRACES_SAMPLER", "parentbased_"],
    ["OTEL_TRACES_SAMPLER", "constructor"],
    ["OTEL_TRACES_SAMPLER_ARG", "2"],
    ["OTEL_TRACES_SAMPLER_ARG", "often"],
    ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "0"],
    ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1.5"]
  ])("cannot be with %s=%s: the message names both and what is allowed", (name, value) => {
    const failure = Result.getOrThrow(Result.flip(read({ ...endpoint, [name]: value })))
    expect(failure).toContain(`${name}="${value}" is not allowed: it must be `)
  })

  it.each([
    "ftp://user:secret@collector",
    "user:secret@collector:4318",
    "http://user:se/cret@collector:99999",
    "http://user:se@cret@[collector"
  ])("hides credentials of an endpoint that is wrong: %s", (text) => {
    const failure = Result.getOrThrow(Result.flip(read({ OTEL_EXPORTER_OTLP_ENDPOINT: text })))
    expect(failure).not.toMatch(/cret|user/)
    expect(failure).toContain("@")
  })
})
