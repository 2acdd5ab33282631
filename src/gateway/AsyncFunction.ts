import type { IncomingMessage, ServerResponse } from "node:http"
import { Clock, Effect, Result } from "effect"
import * as Call from "../domain/Call.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as GoUrl from "../domain/GoUrl.ts"
import * as Headers from "../domain/Headers.ts"
import { Functions } from "../functions/Functions.ts"
import { Publisher } from "../queue/Publisher.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import type { Span } from "../telemetry/Span.ts"
import { Traces } from "../telemetry/Traces.ts"
import * as CallId from "./CallId.ts"
import * as Problems from "./Problems.ts"
import * as RequestBody from "./RequestBody.ts"
import type { Target } from "./Route.ts"
import { largestBody, storedCall } from "./StoredCall.ts"

/**
 * Stores a call and answers 202 once JetStream has confirmed it. All that can be refused without the body is
 * refused before the body is asked for.
 */
export const handle = Effect.fnUntraced(function* (
  target: Target,
  queueName: string,
  request: IncomingMessage,
  response: ServerResponse
) {
  const traces = yield* Traces
  const header = Headers.fromRaw(request.rawHeaders)
  const span = traces.start(header, "receive", "server", () => ({
    "http.request.method": "POST",
    "http.route": "/async-function/{name}",
    "url.path": `/async-function/${target.functionText}${target.path}`,
    "faas.invoked_name": FunctionName.key(target.fn)
  }))
  const accepting = accept(target, queueName, header, span, request, response)
  return yield* span.during(
    Effect.tapError(accepting, ({ status }) =>
      Effect.sync(() => span.set(() => ({ "http.response.status_code": status })))
    )
  )
})

const accept = Effect.fnUntraced(function* (
  target: Target,
  queueName: string,
  header: Headers.HeaderMap,
  span: Span,
  request: IncomingMessage,
  response: ServerResponse
) {
  const publisher = yield* Publisher
  const metrics = yield* Metrics
  const callId = yield* CallId.take(header)
  span.set(() => ({ "sluice.call_id": callId }))
  response.setHeader(CallId.headerName, callId)
  const callbackUrl = yield* callbackUrlOf(header)
  const spec = yield* lookUp(target.fn)

  const startTime = String(yield* Clock.currentTimeNanos)
  // Already as long as it will be: the step of publishing takes the place of this one.
  const traced = span.headers(header)
  const call = storedCall({ target, header: traced, callId, startTime, callbackUrl, queueName, spec })
  const maxBytes = publisher.maxMessageBytes()
  const limit = largestBody(maxBytes, Call.encode(call).length)
  const tooLarge = Problems.tooLarge(maxBytes, limit)
  if (limit < 0 || RequestBody.isDeclaredAbove(limit, request)) return yield* tooLarge

  RequestBody.invite(request, response)
  const body = yield* RequestBody.collect(request, limit)
  if (body === undefined) return yield* tooLarge

  const publishedAt = performance.now()
  const publishing = span.child("publish", "producer", () => ({
    "messaging.system": "nats",
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
    "messaging.destination.name": queueName,
    "messaging.message.body.size": body.length,
    "sluice.call_id": callId
  }))
  const message = Call.encode({ ...call, header: publishing.headers(call.header), body })
  yield* publishing.during(publisher.publish(target.fn, message)).pipe(
    Effect.mapError((error) => (error.reason === "too-large" ? tooLarge : Problems.notQueued(error))),
    Effect.ensuring(
      Effect.sync(() => metrics.publishSeconds.record((performance.now() - publishedAt) / 1000, queueName))
    )
  )
  span.set(() => ({ "http.response.status_code": 202 }))
  metrics.callsAccepted.count(queueName, FunctionName.key(target.fn))
  response.writeHead(202, { "X-Start-Time": startTime, "Content-Length": 0 })
  response.end()
})

const callbackUrlOf = Effect.fnUntraced(function* (header: Headers.HeaderMap) {
  const [text, ...more] = Headers.values(header, "X-Callback-Url")
  if (text === undefined) return undefined
  if (more.length > 0)
    return yield* Problems.badCallback(`it was sent ${more.length + 1} times; send it once`)
  return yield* GoUrl.fromUrl(text).pipe(Result.mapError(Problems.badCallback), Effect.fromResult)
})

const lookUp = Effect.fnUntraced(function* (fn: FunctionName.FunctionName) {
  const { find } = yield* Functions
  const found = yield* find(fn)
  // A provider that cannot be asked refuses nothing: the queue is there to take calls while something behind
  // it is away. What is lost is the function's own retry policy: the worker's is used.
  return found._tag === "Unknown" ? yield* Problems.unknownFunction(fn) : found.spec
})
