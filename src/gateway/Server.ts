import type { IncomingMessage, ServerResponse } from "node:http"
import { Context, Effect, Layer } from "effect"
import { Agent } from "undici"
import type { HostRule } from "../domain/CallbackTarget.ts"
import * as HttpListener from "../operations/HttpListener.ts"
import { Admission } from "./Admission.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import * as AsyncFunction from "./AsyncFunction.ts"
import * as Problems from "./Problems.ts"
import * as RequestMetrics from "./RequestMetrics.ts"
import { type Route, route } from "./Route.ts"
import * as SyncFunction from "./SyncFunction.ts"

interface Options {
  /** 0 takes a free port. */
  readonly port: number
  readonly host?: string | undefined
  /** Where functions without a namespace are. */
  readonly defaultNamespace: string
  /** Where the calls of functions go that are not dedicated to another queue. */
  readonly queueName: string
  /** The only hosts callbacks may go to; undefined allows all. */
  readonly callbackAllowHosts?: ReadonlyArray<HostRule> | undefined
  /** How long a synchronous call may take, milliseconds. */
  readonly upstreamTimeoutMillis: number
  /** How long running requests may go on when the program stops, milliseconds. */
  readonly shutdownGraceMillis: number
  /** Of asynchronous calls that are being received or wait to be confirmed, bytes. */
  readonly maxAcceptingBytes: number
}

/** The HTTP front: stores asynchronous calls, passes synchronous ones on. */
export class Server extends Context.Service<Server, { readonly port: number }>()("sluice/gateway/Server") {
  static readonly layer = (options: Options) => Layer.effect(Server, make(options))
}

// How long a request may take to arrive when functions are faster than that.
const leastRequestTimeoutMillis = 300_000

const make = Effect.fnUntraced(function* (options: Options) {
  const agent = yield* Effect.acquireRelease(
    // Time is kept for the exchange as a whole.
    Effect.sync(() => new Agent({ headersTimeout: 0, bodyTimeout: 0 })),
    (agent) => Effect.promise(() => agent.destroy())
  )
  const admission = new Admission(options.maxAcceptingBytes)
  return yield* HttpListener.listen({
    port: options.port,
    host: options.host,
    setting: "port",
    shutdownGraceMillis: options.shutdownGraceMillis,
    requestTimeoutMillis: Math.max(leastRequestTimeoutMillis, options.upstreamTimeoutMillis),
    handler: (request, response) => dispatch(options, agent, admission, request, response)
  })
})

const dispatch = Effect.fnUntraced(function* (
  options: Options,
  agent: Agent,
  admission: Admission,
  request: IncomingMessage,
  response: ServerResponse
) {
  const { method = "", url = "" } = request
  const target = route(method, url, options.defaultNamespace)
  const handling = handle(target, options, agent, admission, request, response)
  return yield* RequestMetrics.countRequest(yield* Metrics, target, request, response, handling)
})

const handle = Effect.fnUntraced(function* (
  target: Route,
  options: Options,
  agent: Agent,
  admission: Admission,
  request: IncomingMessage,
  response: ServerResponse
) {
  switch (target._tag) {
    case "Async":
      return yield* AsyncFunction.handle(target, options, admission, request, response)
    case "Sync":
      return yield* SyncFunction.handle(target, agent, options.upstreamTimeoutMillis, request, response)
    case "NotFound":
      return yield* Problems.notFound()
    case "MethodNotAllowed":
      return yield* Problems.methodNotAllowed(request.method ?? "", target.allow)
    case "Bad":
      return yield* Problems.badName(target.detail)
  }
})
