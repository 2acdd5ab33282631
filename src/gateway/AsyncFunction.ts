import type { IncomingMessage, ServerResponse } from "node:http"
import { Clock, Effect, Result } from "effect"
import * as Call from "../domain/Call.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as GoUrl from "../domain/GoUrl.ts"
import * as Headers from "../domain/Headers.ts"
import { Functions } from "../functions/Functions.ts"
import { Publisher } from "../queue/Publisher.ts"
import { Metrics } from "../telemetry/Metrics.ts"
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
  const publisher = yield* Publisher
  const metrics = yield* Metrics
  const header = Headers.fromRaw(request.rawHeaders)
  const callId = yield* CallId.take(header)
  response.setHeader(CallId.headerName, callId)
  const callbackUrl = yield* callbackUrlOf(header)
  const spec = yield* lookUp(target.fn)

  const startTime = String(yield* Clock.currentTimeNanos)
  const call = storedCall({ target, header, callId, startTime, callbackUrl, queueName, spec })
  const maxBytes = publisher.maxMessageBytes()
  const limit = largestBody(maxBytes, Call.encode(call).length)
  const tooLarge = Problems.tooLarge(maxBytes, limit)
  if (limit < 0 || RequestBody.isDeclaredAbove(limit, request)) return yield* tooLarge

  RequestBody.invite(request, response)
  const body = yield* RequestBody.collect(request, limit)
  if (body === undefined) return yield* tooLarge

  const publishedAt = performance.now()
  yield* publisher.publish(target.fn, Call.encode({ ...call, body })).pipe(
    Effect.mapError((error) => (error.reason === "too-large" ? tooLarge : Problems.notQueued(error))),
    Effect.ensuring(
      Effect.sync(() => metrics.publishSeconds.record((performance.now() - publishedAt) / 1000, queueName))
    )
  )
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
