import { type IncomingMessage, type ServerResponse, createServer } from "node:http"
import { Effect } from "effect"
import * as Listening from "../../test/support/Listening.ts"
import type { Outcome } from "../history/Event.ts"
import type { History } from "../history/History.ts"
import { calledFunctions, type Step } from "../plan/CalledFunction.ts"
import type { PlannedCall } from "../plan/Plan.ts"
import type { Gate } from "./Gate.ts"

const REFUSED_WITHIN_SECONDS = "1"

/** The functions: each attempt is written down when it comes and when it ends, and goes as its call is planned. */
export const start = Effect.fnUntraced(function* (
  history: History,
  calls: ReadonlyMap<string, PlannedCall>,
  gate: Gate
) {
  const attempts = new Map<string, number>()
  const working = new Map<string, number>()
  let next = 0

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const id = next++
    const [, worker = "", fn = ""] = (request.url ?? "").split("/")
    const call = String(request.headers["x-call-id"] ?? "")
    history.record({ e: "begin", call, fn, id, worker })
    const before = working.get(fn) ?? 0
    working.set(fn, before + 1)
    let ended = false
    const end = (outcome: Outcome) => {
      if (ended) return
      ended = true
      working.set(fn, (working.get(fn) ?? 1) - 1)
      history.record({ e: "end", call, id, outcome })
    }
    response.on("close", () => end({ _tag: "CallerGone" }))
    request.resume()

    const planned = calls.get(call)
    const attempt = attempts.get(call) ?? 0
    const capacity = calledFunctions.find(({ name }) => name === fn)?.capacity ?? Number.POSITIVE_INFINITY
    // A rejected attempt did no work, so that the plan of the call is where it was.
    const full = before >= capacity
    if (!full) attempts.set(call, attempt + 1)
    const script = planned?.script ?? []
    const step = full ? "429" : script[planned?.hopeless === true ? attempt % script.length : attempt]

    if (step !== "429") await pause(planned?.workMillis ?? 0)
    await gate.passed()
    perform(step, response, end)
  }

  // A server for each function: Node takes one new connection a turn from each.
  const urls = yield* Effect.forEach(calledFunctions, ({ name }) =>
    Effect.map(listen(handle), (url) => [name, url] as const)
  )
  return {
    /** Where each function is, by its name. */
    urls: new Map(urls),
    /** Attempts that are being worked on. */
    working: () => [...working.values()].reduce((sum, count) => sum + count, 0)
  }
})

const listen = Effect.fnUntraced(function* (
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>
) {
  const server = createServer((request, response) => void handle(request, response))
  // A connection that we closed in the moment the worker uses it would be an attempt that nobody has seen.
  server.keepAliveTimeout = 0
  const port = yield* Listening.listen(server, () => server.closeAllConnections())
  return `http://127.0.0.1:${port}`
})

const pause = (millis: number) => new Promise<void>((resolve) => void setTimeout(resolve, millis))

const perform = (step: Step | undefined, response: ServerResponse, end: (outcome: Outcome) => void): void => {
  if (response.destroyed) return
  const answer = (status: number, headers: Record<string, string> = {}) => {
    // Written down before it leaves: the worker may act on it at once.
    end({ _tag: "Answered", status })
    response.writeHead(status, headers)
    response.end(`answer ${status}`)
  }
  switch (step) {
    case undefined:
      return answer(200)
    case "500":
      return answer(500)
    case "429":
      return answer(429)
    case "503 Retry-After":
      return answer(503, { "Retry-After": REFUSED_WITHIN_SECONDS })
    case "reset":
      end({ _tag: "Reset" })
      return void response.socket?.resetAndDestroy()
    case "half":
      end({ _tag: "Half" })
      response.writeHead(200, { "Content-Length": "1000" })
      return void response.write("half of it", () => response.destroy())
    case "hang":
      return
  }
}
