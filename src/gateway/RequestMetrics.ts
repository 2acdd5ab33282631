import type { IncomingMessage, ServerResponse } from "node:http"
import type { Live } from "../telemetry/Metrics.ts"
import type { Route } from "./Route.ts"

/** What is counted of a request that its client has given up. */
const CLIENT_GONE = "499"

const methods: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])

/** Callers choose paths and methods; labels have only these. */
const methodLabel = (method: string) => (methods.has(method) ? method : "other")
const pathLabel = (route: Route) =>
  route._tag === "Async" ? "/async-function/" : route._tag === "Sync" ? "/function/" : "other"

/** Calls back when the answer has left or the client has gone, with the status and how long it took in seconds. */
const atEnd = (response: ServerResponse, tell: (status: string, seconds: number) => void) => {
  const startedAt = performance.now()
  response.once("close", () => {
    const status = response.writableFinished ? String(response.statusCode) : CLIENT_GONE
    tell(status, (performance.now() - startedAt) / 1000)
  })
}

/** Counts any request. */
export const countRequest = (
  metrics: Live,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse
): void => {
  const method = methodLabel(request.method ?? "")
  const path = pathLabel(route)
  atEnd(response, (status, seconds) => {
    metrics.httpRequests.count(method, path, status)
    metrics.httpSeconds.record(seconds, method, path, status)
  })
}

/** Counts a synchronous call of a function that may exist. */
export const countInvocation = (metrics: Live, fn: string, response: ServerResponse): void => {
  metrics.invocationsStarted.count(fn)
  metrics.gatewayInFlight.add(1, fn)
  atEnd(response, (status, seconds) => {
    metrics.gatewayInFlight.add(-1, fn)
    metrics.invocations.count(fn, status)
    metrics.invocationSeconds.record(seconds, fn, status)
  })
}
