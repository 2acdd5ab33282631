import type { IncomingMessage, ServerResponse } from "node:http"
import { Context, Duration, Effect, Layer } from "effect"
import * as HttpListener from "./HttpListener.ts"
import { Problem } from "./Problem.ts"

/** What is known of one part of the program. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

interface Options {
  /** 0 takes a free port. */
  readonly port: number
  readonly host?: string | undefined
  /** Asked for each `/readyz`; has to answer within two seconds. */
  readonly checks: Effect.Effect<ReadonlyArray<Check>>
  /** What `/metrics` answers. */
  readonly metrics: { readonly contentType: string; readonly text: Effect.Effect<string> }
}

/**
 * The HTTP port for operators: `/healthz` (the process is alive), `/readyz` (it can do its work) and `/metrics`.
 */
export class Health extends Context.Service<Health, { readonly port: number }>()("sluice/operations/Health") {
  static readonly layer = (options: Options) =>
    Layer.effect(
      Health,
      HttpListener.listen({
        ...options,
        setting: "metrics_port",
        shutdownGraceMillis: 0,
        handler: (request, response) => handle(options, request, response)
      })
    )
}

const checksTimeout = Duration.seconds(2)

const handle = Effect.fnUntraced(function* (
  { checks, metrics }: Options,
  request: IncomingMessage,
  response: ServerResponse
) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return yield* new Problem({
      status: 405,
      kind: "method-not-allowed",
      title: "Method not allowed",
      detail: `${request.method} is not possible here, only GET and HEAD are.`,
      headers: { Allow: "GET, HEAD" }
    })
  }
  const path = request.url?.split("?", 1)[0]
  switch (path) {
    case "/healthz":
      return sendJson(response, 200, { alive: true })
    case "/readyz": {
      const results = yield* checks.pipe(
        Effect.timeoutOrElse({ duration: checksTimeout, orElse: () => Effect.succeed(checksTimedOut) })
      )
      const ready = results.every((check) => check.ok)
      return sendJson(response, ready ? 200 : 503, { ready, checks: results })
    }
    case "/metrics":
      return send(response, 200, metrics.contentType, yield* metrics.text)
    default:
      return yield* new Problem({
        status: 404,
        kind: "no-such-page",
        title: "Not found",
        detail: "Here are /healthz, /readyz and /metrics."
      })
  }
})

const checksTimedOut: ReadonlyArray<Check> = [
  { name: "checks", ok: false, detail: `no result within ${Duration.format(checksTimeout)}` }
]

const sendJson = (response: ServerResponse, status: number, body: unknown) =>
  send(response, status, "application/json", JSON.stringify(body))

const send = (response: ServerResponse, status: number, contentType: string, text: string) => {
  response.writeHead(status, { "Content-Type": contentType, "Content-Length": Buffer.byteLength(text) })
  response.end(text)
}
