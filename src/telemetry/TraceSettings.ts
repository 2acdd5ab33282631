import { Result } from "effect"

/** OpenTelemetry's variables that decide here; those of exporters, batches and resources its SDK reads itself. */
export interface TraceSettings {
  readonly encoding: "protobuf" | "json"
  /** which share of traces is sampled, from 0 to 1 */
  readonly ratio: number
  /** a trace is sampled here when it was sampled where it began, and not otherwise; the share is of those that begin here */
  readonly parentDecides: boolean
  /** the longest text of an attribute, characters */
  readonly longestText: number
}

type Environment = Readonly<Record<string, string | undefined>>

const DEFAULT_RATIO = 0.01

/** The share that a sampler samples; undefined for the one that is given it. Each also exists as `parentbased_...`. */
const samplers: Readonly<Record<string, number | undefined>> = {
  always_on: 1,
  always_off: 0,
  traceidratio: undefined
}
const PARENT_BASED = "parentbased_"

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
  const parentDecides = sampler === undefined || sampler.startsWith(PARENT_BASED)
  const root = sampler?.replace(PARENT_BASED, "") ?? "traceidratio"
  if (sampler !== undefined && !Object.hasOwn(samplers, root)) {
    const allowed = Object.keys(samplers).flatMap((name) => [name, PARENT_BASED + name])
    return refused("OTEL_TRACES_SAMPLER", sampler, allowed.join(", "))
  }
  // With a sampler that is named it is OpenTelemetry's default.
  const given = Number(value("OTEL_TRACES_SAMPLER_ARG") ?? (sampler === undefined ? DEFAULT_RATIO : 1))
  if (!(given >= 0 && given <= 1)) {
    return refused("OTEL_TRACES_SAMPLER_ARG", value("OTEL_TRACES_SAMPLER_ARG") ?? "", "a number from 0 to 1")
  }
  const limit = ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"].find(value)
  const longestText = limit === undefined ? Number.POSITIVE_INFINITY : Number(value(limit))
  if (limit !== undefined && !(Number.isInteger(longestText) && longestText > 0)) {
    return refused(limit, value(limit) ?? "", "a whole number from 1")
  }
  return Result.succeed({ encoding, ratio: samplers[root] ?? given, parentDecides, longestText })
}

const refused = (name: string, value: string, allowed: string) =>
  Result.fail(`${name}=${JSON.stringify(value)} is not allowed: it must be ${allowed}`)
