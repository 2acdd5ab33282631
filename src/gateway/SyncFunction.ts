import type { IncomingMessage, ServerResponse } from "node:http"
import { PassThrough, pipeline } from "node:stream"
import { Duration, Effect } from "effect"
import type { Agent, Dispatcher } from "undici"
import * as FunctionName from "../domain/FunctionName.ts"
import * as GoDuration from "../domain/GoDuration.ts"
import * as Headers from "../domain/Headers.ts"
import { Functions } from "../functions/Functions.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import * as CallId from "./CallId.ts"
import * as Problems from "./Problems.ts"
import * as RequestBody from "./RequestBody.ts"
import { countInvocation } from "./RequestMetrics.ts"
import type { Target } from "./Route.ts"

/**
 * Passes a request on to its function and the answer back, both while they arrive. The whole exchange may
 * take `upstreamTimeoutMillis`; an answer that is not complete by then is broken off.
 */
export const handle = Effect.fnUntraced(function* (
  target: Target,
  agent: Agent,
  upstreamTimeoutMillis: number,
  request: IncomingMessage,
  response: ServerResponse
) {
  const header = Headers.fromRaw(request.rawHeaders)
  const callId = yield* CallId.take(header)
  response.setHeader(CallId.headerName, callId)
  const url = yield* urlOf(target)
  const metrics = yield* Metrics

  const passing = exchange(
    target,
    agent,
    url,
    headersToFunction(header, callId, request),
    request,
    response
  ).pipe(
    Effect.timeoutOrElse({
      duration: Duration.millis(upstreamTimeoutMillis),
      orElse: () => Problems.upstreamTimeout(target.fn, GoDuration.format(upstreamTimeoutMillis))
    })
  )
  yield* countInvocation(metrics, FunctionName.key(target.fn), response, passing)
})

const urlOf = Effect.fnUntraced(function* ({ fn, path, query }: Target) {
  const { find } = yield* Functions
  const found = yield* find(fn)
  if (found._tag === "Unknown") return yield* Problems.unknownFunction(fn)
  // Origin and path apart, for a URL object would normalise the path.
  const [, origin = "", prefix = ""] = /^(\w+:\/\/[^/]+)(.*)$/.exec(found.spec.url) ?? []
  return { origin, path: `${prefix}${path || "/"}${query === "" ? "" : `?${query}`}` }
})

const exchange = Effect.fnUntraced(function* (
  { fn }: Target,
  agent: Agent,
  url: { readonly origin: string; readonly path: string },
  headers: ReadonlyArray<string>,
  request: IncomingMessage,
  response: ServerResponse
) {
  const answer = yield* Effect.tryPromise({
    try: (signal) =>
      agent.request({
        ...url,
        method: request.method as Dispatcher.HttpMethod,
        headers: [...headers],
        body: hasBody(request) ? bodyOf(request, response) : null,
        responseHeaders: "raw",
        signal
      }),
    catch: (cause) => Problems.unreachable(fn, describe(cause))
  })
  // With "raw" it is a flat list, whatever undici's types say.
  const answered = Headers.fromRaw(answer.headers as unknown as ReadonlyArray<string>)
  response.writeHead(answer.statusCode, headersToClient(answered))
  // The headers go out before the body's first bytes. Not by flushHeaders: it writes them as UTF-8, and each
  // value that is not ASCII would be encoded twice.
  response.write(Buffer.alloc(0))
  yield* passOn(answer.body, response).pipe(
    Effect.catch((cause) =>
      Effect.logWarning("a function's answer broke off").pipe(
        Effect.annotateLogs({ function: FunctionName.key(fn), reason: describe(cause) })
      )
    )
  )
})

const forwardedFor = "X-Forwarded-For"
const forwardedHost = "X-Forwarded-Host"
const rewritten: ReadonlySet<string> = new Set([CallId.headerName, forwardedFor, forwardedHost])

const headersToFunction = (header: Headers.HeaderMap, callId: string, request: IncomingMessage) => {
  const { headers } = Headers.toWire(header, rewritten)
  const client = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "unknown"
  const host = request.headers["x-forwarded-host"] ?? request.headers.host
  headers.push(CallId.headerName, callId)
  headers.push(forwardedFor, [...Headers.values(header, forwardedFor), client].join(", "))
  if (host !== undefined) headers.push(forwardedHost, String(host))
  if (hasBody(request)) headers.push(...contentLength(header))
  return headers
}

const headersToClient = (header: Headers.HeaderMap) => [
  ...Headers.toWire(header).headers,
  ...contentLength(header)
]

/** The length that was announced, so that the other side can tell a whole body from a broken one. */
const contentLength = (header: Headers.HeaderMap) => {
  const [length] = Headers.values(header, "Content-Length")
  return length === undefined ? [] : ["Content-Length", length]
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0

/**
 * The request's body for undici. Not the request itself: undici would destroy it with the function's
 * connection, and the client's socket with it, before the client could be told.
 */
const bodyOf = (request: IncomingMessage, response: ServerResponse) => {
  RequestBody.invite(request, response)
  return request.pipe(new PassThrough().on("error", () => {}))
}

/** Done when the client has the whole body. A body that breaks off breaks the client's connection too. */
const passOn = (body: Dispatcher.ResponseData["body"], response: ServerResponse) =>
  Effect.callback<void, Error>((resume) => {
    pipeline(body, response, (error) => resume(error ? Effect.fail(error) : Effect.void))
    return Effect.sync(() => void body.destroy())
  })

const describe = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  // What happens when all addresses of a name refuse has no message of its own.
  return cause.message || String((cause as NodeJS.ErrnoException).code ?? cause.name)
}
