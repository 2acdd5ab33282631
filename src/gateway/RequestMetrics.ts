import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, Effect, Exit } from "effect"
import { Problem } from "../operations/Problem.ts"
import type { Live } from "../telemetry/Metrics.ts"
import type { Route } from "./Route.ts"

/** What is counted of a request that its client has given up. */
const CLIENT_GONE = "499"

const methods: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])

/** Callers choose paths and methods; labels have only these. */
const methodLabel = (method: string) => (methods.has(method) ? method : "other")
const pathLabels = { Async: "/async-function/", Sync: "/function/", NotFound: "other" } as const

/** How a function was to be called, whatever became of it. */
const wayOf = (route: Route) => ("way" in route ? route.way : route._tag)

type Handler<R> = Effect.Effect<void, Problem, R>

const statusOf = (exit: Exit.Exit<void, Problem>, response: ServerResponse): string => {
  if (Exit.isSuccess(exit)) return String(response.statusCode)
  if (Cause.hasInterruptsOnly(exit.cause)) return CLIENT_GONE
  const failure = Cause.squash(exit.cause)
  return failure instanceof Problem ? String(failure.status) : "500"
}

/** Tells the end of a request: the status it was answered with, and how long it took in seconds. */
const atEnd = <R>(
  handler: Handler<R>,
  response: ServerResponse,
  tell: (status: string, seconds: number) => void
): Handler<R> =>
  Effect.suspend(() => {
    const startedAt = performance.now()
    return Effect.onExit(handler, (exit) =>
      Effect.sync(() => tell(statusOf(exit, response), (performance.now() - startedAt) / 1000))
    )
  })

/** Counts any request, and why a call was not taken. */
export const countRequest = <R>(
  metrics: Live,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse,
  handler: Handler<R>
): Handler<R> => {
  const method = methodLabel(request.method ?? "")
  const way = wayOf(route)
  const path = pathLabels[way]
  const refused = ({ kind }: Problem) => Effect.sync(() => metrics.callsRefused.count(kind))
  const handling = way === "Async" ? Effect.tapError(handler, refused) : handler
  return atEnd(handling, response, (status, seconds) => {
    metrics.httpRequests.count(method, path, status)
    metrics.httpSeconds.record(seconds, method, path, status)
  })
}

/** Counts a synchronous call of a function that may exist. */
export const countInvocation = <R>(
  metrics: Live,
  fn: string,
  response: ServerResponse,
  handler: Handler<R>
): Handler<R> =>
  Effect.suspend(() => {
    metrics.invocationsStarted.count(fn)
    const ended = metrics.gatewayInFlight.begin(fn)
    return atEnd(handler, response, (status, seconds) => {
      ended()
      metrics.invocations.count(fn, status)
      metrics.invocationSeconds.record(seconds, fn, status)
    })
  })
