import { Result } from "effect"
import type { BatchSettings } from "./SpanBatches.ts"

/** OpenTelemetry's variables that decide here; those of exporters and resources its SDK reads itself. */
export interface TraceSettings {
  readonly encoding: "protobuf" | "json"
  /** which share of traces is sampled, from 0 to 1 */
  readonly ratio: number
  /** a trace is sampled here when it was sampled where it began, and not otherwise; the share is of those that begin here */
  readonly parentDecides: boolean
  /** the longest text of an attribute, characters */
  readonly longestText: number
  readonly batches: BatchSettings
}

type Environment = Readonly<Record<string, string | undefined>>

interface Variable {
  readonly name: string
  readonly text: string
}

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
export const read = (environment: Environment): Result.Result<TraceSettings | undefined, string> =>
  Result.gen(function* () {
    const first = firstIn(environment)
    const endpoint = first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    const exporter = first("OTEL_TRACES_EXPORTER")
    const isDisabled = first("OTEL_SDK_DISABLED")?.text.toLowerCase() === "true"
    if (endpoint === undefined || isDisabled || exporter?.text === "none") return undefined

    if (exporter !== undefined && exporter.text !== "otlp") return yield* refused(exporter, "otlp or none")
    yield* checkEndpoint(endpoint)
    const { parentDecides, ratio } = yield* sampling(
      first("OTEL_TRACES_SAMPLER"),
      first("OTEL_TRACES_SAMPLER_ARG")
    )
    return {
      encoding: yield* encodingOf(first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")),
      ratio,
      parentDecides,
      longestText: yield* wholeNumber(
        first("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        Number.POSITIVE_INFINITY
      ),
      batches: {
        mostWaiting: yield* wholeNumber(first("OTEL_BSP_MAX_QUEUE_SIZE"), 2_048),
        batchSize: yield* wholeNumber(first("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), 512),
        delayMillis: yield* wholeNumber(first("OTEL_BSP_SCHEDULE_DELAY"), 5_000),
        exportTimeoutMillis: yield* wholeNumber(first("OTEL_BSP_EXPORT_TIMEOUT"), 30_000)
      }
    }
  })

/** Finds the first of some variables that is set. */
const firstIn =
  (environment: Environment) =>
  (...names: ReadonlyArray<string>): Variable | undefined => {
    for (const name of names) {
      const text = environment[name]?.trim()
      if (text) return { name, text }
    }
    return undefined
  }

const checkEndpoint = (endpoint: Variable) => {
  if (/^https?:\/\//.test(endpoint.text) && URL.canParse(endpoint.text)) return Result.void
  const text = endpoint.text.replace(/^(\w+:\/\/)?.*@/s, "$1***@")
  return refused({ ...endpoint, text }, "an http:// or https:// URL")
}

const encodingOf = (protocol: Variable | undefined) => {
  if (protocol === undefined) return Result.succeed("protobuf" as const)
  const encoding = Object.hasOwn(encodings, protocol.text) ? encodings[protocol.text] : undefined
  return encoding === undefined
    ? refused(protocol, Object.keys(encodings).join(" or "))
    : Result.succeed(encoding)
}

const sampling = (sampler: Variable | undefined, argument: Variable | undefined) => {
  const root = sampler?.text.replace(PARENT_BASED, "") ?? "traceidratio"
  if (sampler !== undefined && !Object.hasOwn(samplers, root)) {
    const allowed = Object.keys(samplers).flatMap((name) => [name, PARENT_BASED + name])
    return refused(sampler, allowed.join(", "))
  }
  // With a sampler that is named it is OpenTelemetry's default.
  const given = argument === undefined ? (sampler === undefined ? DEFAULT_RATIO : 1) : Number(argument.text)
  if (argument !== undefined && !(given >= 0 && given <= 1)) return refused(argument, "a number from 0 to 1")
  const parentDecides = sampler === undefined || sampler.text.startsWith(PARENT_BASED)
  return Result.succeed({ ratio: samplers[root] ?? given, parentDecides })
}

const wholeNumber = (variable: Variable | undefined, fallback: number) => {
  if (variable === undefined) return Result.succeed(fallback)
  const number = Number(variable.text)
  return Number.isSafeInteger(number) && number > 0
    ? Result.succeed(number)
    : refused(variable, "a whole number from 1")
}

const refused = ({ name, text }: Variable, allowed: string) =>
  Result.fail(`${name}=${JSON.stringify(text)} is not allowed: it must be ${allowed}`)
