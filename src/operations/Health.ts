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

export interface Options {
  /** 0 takes a free port. */
  readonly port: number
  readonly host?: string | undefined
  /** Asked for each `/readyz`; has to answer within two seconds. */
  readonly checks: Effect.Effect<ReadonlyArray<Check>>
}

/** The HTTP port for operators: `/healthz` (the process is alive) and `/readyz` (it can do its work). */
export class Health extends Context.Service<Health, { readonly port: number }>()("sluice/operations/Health") {
  static readonly layer = (options: Options) =>
    Layer.effect(
      Health,
      HttpListener.listen({
        ...options,
        setting: "metrics_port",
        shutdownGraceMillis: 0,
        handler: (request, response) => handle(options.checks, request, response)
      })
    )
}

const checksTimeout = Duration.seconds(2)

const handle = Effect.fnUntraced(function* (
  checks: Options["checks"],
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
    default:
      return yield* new Problem({
        status: 404,
        kind: "no-such-page",
        title: "Not found",
        detail: "Here are /healthz and /readyz."
      })
  }
})

const checksTimedOut: ReadonlyArray<Check> = [
  { name: "checks", ok: false, detail: `no result within ${Duration.format(checksTimeout)}` }
]

const sendJson = (response: ServerResponse, status: number, body: unknown) => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text)
  })
  response.end(text)
}
