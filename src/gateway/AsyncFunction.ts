import type { IncomingMessage, ServerResponse } from "node:http"
import { Clock, Effect, Result } from "effect"
import * as CallbackTarget from "../domain/CallbackTarget.ts"
import * as Call from "../domain/Call.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as GoUrl from "../domain/GoUrl.ts"
import * as Headers from "../domain/Headers.ts"
import * as QueueName from "../domain/QueueName.ts"
import type { FunctionSpec } from "../functions/FunctionSpec.ts"
import { Functions } from "../functions/Functions.ts"
import { type Door, Queues } from "../queue/Queues.ts"
import type { Problem } from "../operations/Problem.ts"
import type { Admission } from "./Admission.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import type { Span } from "../telemetry/Span.ts"
import { Traces } from "../telemetry/Traces.ts"
import * as CallId from "./CallId.ts"
import * as Problems from "./Problems.ts"
import * as RequestBody from "./RequestBody.ts"
import type { Target } from "./Route.ts"
import { largestBody, storedCall } from "./StoredCall.ts"

interface Options {
  /** Where the calls of functions go that are not dedicated to another queue. */
  readonly queueName: string
  /** The only hosts callbacks may go to; undefined allows all. */
  readonly callbackAllowHosts?: ReadonlyArray<CallbackTarget.HostRule> | undefined
}

/**
 * Stores a call and answers 202 once JetStream has confirmed it. All that can be refused without the body is
 * refused before the body is asked for.
 */
export const handle = Effect.fnUntraced(function* (
  target: Target,
  options: Options,
  admission: Admission,
  request: IncomingMessage,
  response: ServerResponse
) {
  const traces = yield* Traces
  const header = Headers.fromRaw(request.rawHeaders)
  const span = traces.start(header, "receive", "server", () => ({
    "http.request.method": "POST",
    "url.scheme": "http",
    "http.route": "/async-function/{name}",
    "url.path": `/async-function/${target.functionText}${target.path}`,
    "faas.invoked_name": FunctionName.key(target.fn)
  }))
  const accepting = accept(target, options, admission, header, span, request, response).pipe(
    Effect.tapError((problem) => Effect.sync(() => tellRefusal(span, problem)))
  )
  // What a server refuses for its caller's mistake is no failure of the server's.
  return yield* Effect.fromResult(yield* span.during(Effect.result(accepting)))
})

const tellRefusal = (span: Span, { kind, status, title }: Problem): void => {
  span.set(() => ({ "http.response.status_code": status }))
  if (status >= 500) span.failed(String(status), `${kind}: ${title}`)
}

const accept = Effect.fnUntraced(function* (
  target: Target,
  options: Options,
  admission: Admission,
  header: Headers.HeaderMap,
  span: Span,
  request: IncomingMessage,
  response: ServerResponse
) {
  const queues = yield* Queues
  const metrics = yield* Metrics
  const callId = yield* CallId.take(header)
  span.set(() => ({ "sluice.call_id": callId }))
  response.setHeader(CallId.headerName, callId)
  const callbackUrl = yield* callbackUrlOf(header, options.callbackAllowHosts)
  const spec = yield* lookUp(target.fn)
  const queueName = yield* queueOf(target.fn, spec, options.queueName)
  const queue = yield* Effect.mapError(queues.open(queueName), Problems.notQueued)

  const startTime = String(yield* Clock.currentTimeNanos)
  // Already as long as it will be: the step of publishing takes the place of this one.
  const traced = span.headers(header)
  const call = storedCall({ target, header: traced, callId, startTime, callbackUrl, queueName, spec })
  const maxBytes = queue.maxMessageBytes()
  const limit = largestBody(maxBytes, Call.encode(call).length)
  const tooLarge = Problems.tooLarge(maxBytes, limit)
  if (limit < 0 || RequestBody.isDeclaredAbove(limit, request)) return yield* tooLarge

  // A body without a declared length may become as large as is allowed.
  const declared = Number(request.headers["content-length"] ?? (hasBody(request) ? limit : 0))
  if (!(yield* admission.admit(declared))) return yield* Problems.overloaded(admission.limitBytes)
  yield* keepBelowMaxPending(target.fn, spec, queue)

  RequestBody.invite(request, response)
  const body = yield* RequestBody.collect(request, limit)
  if (body === undefined) return yield* tooLarge

  const publishedAt = performance.now()
  const publishing = span.child("publish", "producer", () => ({
    "messaging.system": "nats",
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
    "messaging.destination.name": queue.subjectOf(target.fn),
    "messaging.message.body.size": body.length,
    "sluice.call_id": callId
  }))
  const message = Call.encode({ ...call, header: publishing.headers(call.header), body })
  yield* publishing.during(queue.publish(target.fn, message)).pipe(
    Effect.mapError((error) => (error.reason === "too-large" ? tooLarge : Problems.notQueued(error))),
    Effect.ensuring(
      Effect.sync(() => metrics.publishSeconds.record((performance.now() - publishedAt) / 1000, queueName))
    )
  )
  span.set(() => ({ "http.response.status_code": 202 }))
  metrics.callsAccepted.count(queueName, FunctionName.key(target.fn))
  response.writeHead(202, { "X-Start-Time": startTime, "Content-Length": 0 })
  response.end()
}, Effect.scoped)

const hasBody = (request: IncomingMessage): boolean => request.headers["transfer-encoding"] !== undefined

/** The annotation that says how many unfinished calls a function may have in its queue. */
const MAX_PENDING_ANNOTATION = "com.openfaas.queue.max_pending"

const keepBelowMaxPending = Effect.fnUntraced(function* (
  fn: FunctionName.FunctionName,
  spec: FunctionSpec,
  queue: Door
) {
  const text = spec.annotations[MAX_PENDING_ANNOTATION]
  if (text === undefined) return
  const limit = Number(text)
  if (text.trim() === "" || !Number.isInteger(limit) || limit < 1) {
    return yield* Effect.logWarning(
      `${MAX_PENDING_ANNOTATION} of ${FunctionName.key(fn)} is ${JSON.stringify(text)} and ignored: it has to be a whole number from 1`
    )
  }
  if (!(yield* queue.addBelow(limit, fn))) return yield* Problems.tooManyPending(fn, limit)
})

/** The annotation that says which queue a function is dedicated to. */
const QUEUE_ANNOTATION = "com.openfaas.queue"

const queueOf = (fn: FunctionName.FunctionName, spec: FunctionSpec, usual: string) => {
  const text = spec.annotations[QUEUE_ANNOTATION] || usual
  return Effect.fromResult(
    Result.mapError(QueueName.parse(text), (allowed) => Problems.badQueueName(fn, text, allowed))
  )
}

const callbackUrlOf = Effect.fnUntraced(function* (
  header: Headers.HeaderMap,
  allowHosts: Options["callbackAllowHosts"]
) {
  const [text, ...more] = Headers.values(header, "X-Callback-Url")
  if (text === undefined) return undefined
  if (more.length > 0)
    return yield* Problems.badCallback(`it was sent ${more.length + 1} times; send it once`)
  return yield* GoUrl.fromUrl(text).pipe(
    Result.flatMap((url) =>
      // What the worker will go by is what it makes of the parts, and not the text.
      GoUrl.toUrl(url).pipe(
        Result.flatMap((written) => CallbackTarget.check(written, allowHosts)),
        Result.map(() => url)
      )
    ),
    Result.mapError(Problems.badCallback),
    Effect.fromResult
  )
})

const lookUp = Effect.fnUntraced(function* (fn: FunctionName.FunctionName) {
  const { find } = yield* Functions
  const found = yield* find(fn)
  // A provider that cannot be asked refuses nothing: the queue is there to take calls while something behind
  // it is away. What is lost is the function's own retry policy and queue: the worker's and ours are used.
  return found._tag === "Unknown" ? yield* Problems.unknownFunction(fn) : found.spec
})
