import { Result } from "effect"

/** OpenTelemetry's variables that decide here; those of exporters, batches, limits and resources its SDK reads itself. */
export interface TraceSettings {
  readonly encoding: "protobuf" | "json"
  /** what samples when `OTEL_TRACES_SAMPLER` does not say: this share of the traces that begin here */
  readonly defaultRatio: number | undefined
  /** a trace that was not sampled where it began is not sampled here either */
  readonly parentDecides: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

const DEFAULT_RATIO = 0.01

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio"
]

const encodings: Readonly<Record<string, TraceSettings["encoding"]>> = {
  "http/protobuf": "protobuf",
  "http/json": "json"
}

/** Undefined when traces go nowhere; a failure says which variable is wrong, and what is allowed. */
export const read = (environment: Environment): Result.Result<TraceSettings | undefined, string> => {
  const value = (name: string) => environment[name]?.trim() || undefined
  const endpoint = value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") ?? value("OTEL_EXPORTER_OTLP_ENDPOINT")
  const isOff =
    value("OTEL_SDK_DISABLED")?.toLowerCase() === "true" || value("OTEL_TRACES_EXPORTER") === "none"
  if (endpoint === undefined || isOff) return Result.succeed(undefined)

  const exporter = value("OTEL_TRACES_EXPORTER") ?? "otlp"
  if (exporter !== "otlp") return refused("OTEL_TRACES_EXPORTER", exporter, "otlp or none")
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    return refused(
      "OTEL_EXPORTER_OTLP_ENDPOINT",
      endpoint.replace(/\/\/[^/]*@/, "//***@"),
      "an http:// or https:// URL"
    )
  }
  const protocol =
    value("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? value("OTEL_EXPORTER_OTLP_PROTOCOL") ?? "http/protobuf"
  const encoding = encodings[protocol]
  if (encoding === undefined) {
    return refused("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, Object.keys(encodings).join(" or "))
  }
  const sampler = value("OTEL_TRACES_SAMPLER")
  if (sampler !== undefined && !samplers.includes(sampler)) {
    return refused("OTEL_TRACES_SAMPLER", sampler, samplers.join(", "))
  }
  const ratio = Number(value("OTEL_TRACES_SAMPLER_ARG") ?? DEFAULT_RATIO)
  if (!(ratio >= 0 && ratio <= 1)) {
    return refused("OTEL_TRACES_SAMPLER_ARG", value("OTEL_TRACES_SAMPLER_ARG") ?? "", "a number from 0 to 1")
  }
  return Result.succeed({
    encoding,
    defaultRatio: sampler === undefined ? ratio : undefined,
    parentDecides: sampler === undefined || sampler.startsWith("parentbased")
  })
}

const refused = (name: string, value: string, allowed: string) =>
  Result.fail(`${name}=${JSON.stringify(value)} is not allowed: it must be ${allowed}`)
