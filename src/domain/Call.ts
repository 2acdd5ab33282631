import { Predicate, Result } from "effect"
import * as GoUrl from "./GoUrl.ts"
import * as Headers from "./Headers.ts"

/** One asynchronous call as OpenFaaS queues it (`QueueRequest` of faas-provider). */
export interface Call {
  readonly method: string
  /** As in the URL it was submitted to: `name` or `name.namespace`. */
  readonly function: string
  readonly header: Headers.HeaderMap
  readonly host: string
  readonly body: Uint8Array
  /** Empty, or with a leading slash. */
  readonly path: string
  /** Without the `?`. */
  readonly queryString: string
  /** Empty for the default queue. */
  readonly queueName: string
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  readonly callbackUrl: GoUrl.GoUrl | string | undefined
  /** What the message holds beside these, kept for whoever reads it next. */
  readonly unknown: Readonly<Record<string, unknown>>
}

/** The first value of the call's `X-Call-Id`. */
export const callId = (call: Call): string | undefined => Headers.values(call.header, "X-Call-Id")[0]

type Json = Readonly<Record<string, unknown>>

type Draft = { -readonly [Field in keyof Call]: Call[Field] }

/** Puts the JSON value of one field (never null) into the call; on failure says what is wrong with it. */
type ReadField = (call: Draft, value: unknown) => string | undefined

const isJson = (value: unknown): value is Json => Predicate.isObject(value) && !Array.isArray(value)

const isListOfStrings = (value: unknown): boolean => Array.isArray(value) && value.every(Predicate.isString)

const isHeaderMap = (value: Json): value is Headers.HeaderMap =>
  Object.keys(value).every((name) => isListOfStrings(value[name]))

const isRecordOfStrings = (value: Json): value is Readonly<Record<string, string>> =>
  Object.keys(value).every((key) => Predicate.isString(value[key]))

/** Go writes an empty list as null. */
const withoutNulls = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== null))

const text =
  (field: "method" | "function" | "host" | "path" | "queryString" | "queueName"): ReadField =>
  (call, value) => {
    if (!Predicate.isString(value)) return "is not a string"
    call[field] = value
    return undefined
  }

const texts =
  (field: "annotations" | "labels" | "environment"): ReadField =>
  (call, value) => {
    const record = isJson(value) ? withoutNulls(value) : undefined
    if (record === undefined || !isRecordOfStrings(record)) return "is not an object of strings"
    call[field] = record
    return undefined
  }

const header: ReadField = (call, value) => {
  const wrong = "is not an object of lists of strings"
  if (!isJson(value)) return wrong
  const map = isHeaderMap(value) ? value : withoutNulls(value)
  if (!isHeaderMap(map)) return wrong
  call.header = map
  return undefined
}

const body: ReadField = (call, value) => {
  if (!Predicate.isString(value)) return "is not a base64 string"
  // Go ignores line breaks in base64, and some publishers write them.
  const base64 = value.includes("\n") ? value.replace(/[\r\n]/g, "") : value
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0
  const bytes = Buffer.from(base64, "base64")
  // Buffer skips what it does not understand, so a wrong character shows as missing bytes.
  if (bytes.length !== (base64.length / 4) * 3 - padding) return "is not base64 with padding"
  call.body = bytes
  return undefined
}

const callbackUrl: ReadField = (call, value) => {
  if (Predicate.isString(value)) {
    call.callbackUrl = value === "" ? undefined : value
    return undefined
  }
  if (!isJson(value)) return "is neither an object nor a string"
  const url = GoUrl.fromJson(value)
  if (Result.isFailure(url)) return `is not a URL: ${url.failure}`
  call.callbackUrl = url.success
  return undefined
}

const readers: Readonly<Record<string, ReadField>> = {
  Header: header,
  Host: text("host"),
  Body: body,
  Method: text("method"),
  Path: text("path"),
  QueryString: text("queryString"),
  Function: text("function"),
  QueueName: text("queueName"),
  Annotations: texts("annotations"),
  Labels: texts("labels"),
  Environment: texts("environment"),
  CallbackUrl: callbackUrl
}

const readerOf: ReadonlyMap<string, { readonly name: string; readonly read: ReadField }> = new Map(
  Object.entries(readers).flatMap(([name, read]) => [
    [name, { name, read }],
    [name.toLowerCase(), { name, read }]
  ])
)

const noBytes = Buffer.alloc(0)
const nothing = {}
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true })

const parseJson = (data: Uint8Array): unknown => {
  try {
    return JSON.parse(utf8.decode(data))
  } catch {
    // Not the parser's own message: it quotes the text, which may be a secret.
    return undefined
  }
}

/**
 * Reads a message as Go's `encoding/json` does: keys in any case, the last one wins, null is absent, and a
 * missing method is `POST`.
 *
 * @returns the call, or why it cannot be read; the reason never holds the body or a header's value.
 */
export const decode = (data: Uint8Array): Result.Result<Call, string> => {
  if (data.length === 0) return Result.fail("the message is empty")
  const json = parseJson(data)
  if (!isJson(json)) return Result.fail(`the message (${data.length} bytes) is not a JSON object`)

  // Without a prototype, or a key "__proto__" would be lost.
  const unknown: Record<string, unknown> = Object.create(null)
  const call: Draft = {
    method: "",
    function: "",
    header: nothing,
    host: "",
    body: noBytes,
    path: "",
    queryString: "",
    queueName: "",
    annotations: nothing,
    labels: nothing,
    environment: nothing,
    callbackUrl: undefined,
    unknown
  }
  for (const key of Object.keys(json)) {
    const value = json[key]
    const reader = readerOf.get(key) ?? readerOf.get(key.toLowerCase())
    if (reader === undefined) unknown[key] = value
    else if (value !== null) {
      const wrong = reader.read(call, value)
      if (wrong !== undefined) return Result.fail(`the message's ${reader.name} ${wrong}`)
    }
  }
  if (call.function === "") return Result.fail("the message names no Function")
  if (call.method === "") call.method = "POST"
  if (!Headers.isToken(call.method)) return Result.fail("the message's Method is not an HTTP method")
  return Result.succeed(call)
}

const isEmpty = (record: Json): boolean => Object.keys(record).length === 0

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

/** Writes the message as Go's `encoding/json` does: what is empty is left out, except method and function. */
export const encode = (call: Call): Uint8Array =>
  Buffer.from(
    // `JSON.stringify` leaves undefined fields out.
    JSON.stringify({
      ...call.unknown,
      Header: isEmpty(call.header) ? undefined : call.header,
      Host: call.host || undefined,
      Body: call.body.length === 0 ? undefined : base64(call.body),
      Method: call.method,
      Path: call.path || undefined,
      QueryString: call.queryString || undefined,
      Function: call.function,
      QueueName: call.queueName || undefined,
      Annotations: isEmpty(call.annotations) ? undefined : call.annotations,
      Labels: isEmpty(call.labels) ? undefined : call.labels,
      Environment: isEmpty(call.environment) ? undefined : call.environment,
      CallbackUrl: call.callbackUrl
    })
  )
