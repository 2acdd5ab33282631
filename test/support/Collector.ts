import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { gunzipSync } from "node:zlib"
import { Effect } from "effect"
import schema from "otlp-schema/build/src/generated/root.js"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import { eventually } from "./Eventually.ts"
import { listen } from "./Listening.ts"

/** A span as a collector understands it; ids in hex, kind by OpenTelemetry's number. */
interface CollectedSpan {
  readonly service: string
  readonly resource: Readonly<Record<string, unknown>>
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  /** empty for the first of a trace */
  readonly parentSpanId: string
  readonly traceState: string
  readonly startNanos: bigint
  readonly endNanos: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly isError: boolean
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
}

type Json = Record<string, unknown>

/** A message of the schema; its package does not say its types. */
interface Message {
  readonly decode: (bytes: Uint8Array) => unknown
  readonly encode: (message: unknown) => { readonly finish: () => Uint8Array }
  readonly fromObject: (json: Json) => unknown
  readonly toObject: (message: unknown, options: typeof plain) => Json
}

const { ExportTraceServiceRequest, ExportTraceServiceResponse } = (
  schema as unknown as {
    readonly opentelemetry: {
      readonly proto: {
        readonly collector: {
          readonly trace: {
            readonly v1: {
              readonly ExportTraceServiceRequest: Message
              readonly ExportTraceServiceResponse: Message
            }
          }
        }
      }
    }
  }
).opentelemetry.proto.collector.trace.v1

const plain = { longs: String, enums: Number, bytes: String, defaults: false } as const

/** OTLP's own JSON writes ids in hex, where the mapping of protocol buffers to JSON has base64. */
const withBase64Ids = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withBase64Ids)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      /^(?:trace|span|parentSpan)Id$/.test(key)
        ? Buffer.from(String(entry), "hex").toString("base64")
        : withBase64Ids(entry)
    ])
  )
}

/** The names of all fields, wherever they are. */
const fieldsOf = (value: unknown): ReadonlySet<string> => {
  const names = new Set<string>()
  JSON.stringify(value, (key, entry) => {
    if (!/^\d*$/.test(key) && entry !== undefined && entry !== null) names.add(key)
    return entry
  })
  return names
}

/** The request by the official schema; throws when something in it is not the schema's. */
const decode = (contentType: string | undefined, body: Buffer): Json => {
  if (contentType === "application/x-protobuf") {
    const message = ExportTraceServiceRequest.decode(body)
    if (ExportTraceServiceRequest.encode(message).finish().length !== body.length) {
      throw new Error("the message has fields that the schema does not know")
    }
    return ExportTraceServiceRequest.toObject(message, plain)
  }
  if (contentType !== "application/json") throw new Error(`this is no OTLP: ${contentType}`)
  const json = withBase64Ids(JSON.parse(body.toString())) as Json
  const understood = ExportTraceServiceRequest.toObject(ExportTraceServiceRequest.fromObject(json), plain)
  const unknown = [...fieldsOf(json)].filter((name) => !fieldsOf({ ...understood, ...defaults }).has(name))
  if (unknown.length > 0) throw new Error(`fields that the schema does not know: ${unknown.join(", ")}`)
  return understood
}

/** Fields that are left out when they have these values. */
const defaults = {
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
  events: [],
  links: [],
  status: {},
  code: 0,
  attributes: []
}

const hex = (base64: unknown): string => Buffer.from(String(base64 ?? ""), "base64").toString("hex")

const list = (value: unknown): ReadonlyArray<Json> => (value ?? []) as ReadonlyArray<Json>

const valueOf = (value: Json): unknown =>
  "intValue" in value ? Number(value["intValue"]) : Object.values(value)[0]

const attributesOf = (value: unknown): Record<string, unknown> =>
  Object.fromEntries(list(value).map(({ key, value }) => [String(key), valueOf((value ?? {}) as Json)]))

const spansOf = (request: Json): ReadonlyArray<CollectedSpan> =>
  list(request["resourceSpans"]).flatMap(({ resource, scopeSpans }) => {
    const attributes = attributesOf((resource as Json)["attributes"])
    const service = String(attributes["service.name"])
    return list(scopeSpans).flatMap(({ spans }) =>
      list(spans).map((span) => ({
        service,
        resource: attributes,
        name: String(span["name"]),
        kind: Number(span["kind"]),
        traceId: hex(span["traceId"]),
        spanId: hex(span["spanId"]),
        parentSpanId: hex(span["parentSpanId"]),
        traceState: String(span["traceState"] ?? ""),
        startNanos: BigInt(String(span["startTimeUnixNano"])),
        endNanos: BigInt(String(span["endTimeUnixNano"])),
        attributes: attributesOf(span["attributes"]),
        isError: ((span["status"] ?? {}) as Json)["code"] === 2,
        links: list(span["links"]).map((link) => ({
          traceId: hex(link["traceId"]),
          spanId: hex(link["spanId"])
        }))
      }))
    )
  })

/** A collector for traces on a real socket: takes OTLP in protocol buffers and in JSON, and decodes it. */
export const start = Effect.gen(function* () {
  const spans: Array<CollectedSpan> = []
  const requests: Array<IncomingMessage> = []
  const mistakes: Array<unknown> = []
  const arrivals = new ArrivalCounter()
  let waiting: Array<ServerResponse> = []
  let silent = false
  let open = 0
  let mostOpen = 0

  const server = createServer(async (request, response) => {
    mostOpen = Math.max(mostOpen, ++open)
    response.once("close", () => open--)
    const sent = Buffer.concat(await Array.fromAsync(request))
    const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent
    requests.push(request)
    arrivals.add()
    if (silent) return void waiting.push(response)
    try {
      if (!request.url?.endsWith("/v1/traces")) throw new Error(`nobody asks for ${request.url}`)
      const contentType = request.headers["content-type"]
      spans.push(...spansOf(decode(contentType, body)))
      response.setHeader("Content-Type", contentType ?? "")
      response.end(contentType === "application/json" ? "{}" : ExportTraceServiceResponse.encode({}).finish())
    } catch (error) {
      mistakes.push(error)
      response.writeHead(400).end()
    }
  })
  const port = yield* listen(server, () => server.closeAllConnections())

  return {
    url: `http://127.0.0.1:${port}`,
    spans: spans as ReadonlyArray<CollectedSpan>,
    /** As they came, their bodies read. */
    requests: requests as ReadonlyArray<IncomingMessage>,
    /** What was no OTLP. */
    mistakes: mistakes as ReadonlyArray<unknown>,
    /** The most requests that were ever under way at once. */
    mostOpen: () => mostOpen,
    /** Waits for so many requests since the start. */
    asked: (count: number) => arrivals.atLeast(count),
    /** Takes requests and does not answer them any more. */
    fallSilent: Effect.sync(() => void (silent = true)),
    /** Answers again; those that were not answered are broken off. */
    recover: Effect.sync(() => {
      silent = false
      for (const response of waiting.splice(0)) response.destroy()
    }),
    /** Waits until it has so many spans, and gives them by the time they began. */
    collected: (count: number) =>
      eventually(`the collector has ${count} spans`, () => {
        if (mistakes.length > 0) throw mistakes[0]
        if (spans.length < count) throw new Error(`it has ${spans.map(({ name }) => name).join(", ")}`)
        // They begin within the same millisecond; the one that lasts longer is the outer one.
        return spans.toSorted((a, b) => Number(a.startNanos - b.startNanos || b.endNanos - a.endNanos))
      })
  }
})
