import type { IncomingMessage, ServerResponse } from "node:http"
import { Clock, Effect } from "effect"
import * as HttpListener from "../operations/HttpListener.ts"
import type { Journal } from "./Journal.ts"

/** Receives callbacks and notes each one, until the scope closes. */
export const start = (journal: Journal) =>
  HttpListener.listen({
    port: 0,
    host: "127.0.0.1",
    setting: "receiver",
    shutdownGraceMillis: 0,
    handler: (request, response) => receive(journal, request, response)
  }).pipe(Effect.map(({ port }) => ({ url: `http://127.0.0.1:${port}` })))

const receive = Effect.fnUntraced(function* (
  journal: Journal,
  request: IncomingMessage,
  response: ServerResponse
) {
  // Only a callback that came whole counts; the sender repeats one that broke off.
  const whole = yield* Effect.tryPromise(() => Array.fromAsync(request)).pipe(
    Effect.match({ onSuccess: () => true, onFailure: () => false })
  )
  if (!whole) return
  const header = (name: string) => String(request.headers[name] ?? "")
  const nowNanos = yield* Clock.currentTimeNanos
  journal.callbacks.push({
    call: header("x-call-id"),
    fn: header("x-function-name"),
    status: Number(header("x-function-status")),
    retries: Number(header("x-retry")),
    latencyMillis: Number(nowNanos - BigInt(header("x-start-time"))) / 1e6,
    at: yield* Clock.currentTimeMillis
  })
  response.writeHead(204).end()
})
