import { createServer, type ServerResponse } from "node:http"
import { Effect } from "effect"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import { listen } from "./Listening.ts"

/** A request as it came over the wire, body read to its end. */
export interface ReceivedRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Names and values in turn, in the case and order they came. */
  readonly rawHeaders: ReadonlyArray<string>
  /** The value of the first header of that name, in any case. */
  readonly header: (name: string) => string | undefined
  readonly body: Buffer
  /** Milliseconds since the epoch, when the headers arrived. */
  readonly startedAt: number
  /** When the answer was sent or the connection was cut; undefined before. */
  readonly endedAt: number | undefined
  /** Whether the caller got the whole answer. */
  readonly answered: boolean
}

export type Handler = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>

/** A real HTTP server that plays a function: it records what arrives and answers as the test says. */
export interface HttpFunction {
  /** Without a trailing slash. */
  readonly url: string
  readonly port: number
  /** In the order their bodies were complete. */
  readonly requests: ReadonlyArray<ReceivedRequest>
  /** Answers later requests with this handler; at first every request gets 200 without a body. */
  readonly answer: (handler: Handler) => void
  /** Requests being worked on now, of one path (without query) or of all. */
  readonly inFlight: (path?: string) => number
  /** The most requests that were ever worked on at once. */
  readonly maxInFlight: (path?: string) => number
  /** Waits until `count` requests have arrived since the start, and gives them all. */
  readonly received: (count: number) => Effect.Effect<ReadonlyArray<ReceivedRequest>>
  /** Waits until `count` requests have ended since the start, answered or cut. */
  readonly ended: (count: number) => Effect.Effect<void>
}

const allPaths = "*"

/** Starts a function on 127.0.0.1, on a free port unless one is given; its connections are cut when the scope closes. */
export const start = Effect.fnUntraced(function* (
  options: { readonly port?: number; readonly answer?: Handler } = {}
) {
  const requests: Array<ReceivedRequest> = []
  const arrivals = new ArrivalCounter()
  const ends = new ArrivalCounter()
  const inFlight = new Map<string, number>()
  const maxInFlight = new Map<string, number>()
  let handler: Handler = options.answer ?? ((_, response) => void response.end())

  const count = (path: string, change: 1 | -1) => {
    for (const key of [path, allPaths]) {
      const now = (inFlight.get(key) ?? 0) + change
      inFlight.set(key, now)
      maxInFlight.set(key, Math.max(now, maxInFlight.get(key) ?? 0))
    }
  }

  const server = createServer(async (incoming, response) => {
    const startedAt = Date.now()
    const url = incoming.url ?? ""
    const path = url.replace(/\?.*/s, "")
    count(path, 1)
    const request = {
      method: incoming.method ?? "",
      url,
      rawHeaders: incoming.rawHeaders,
      header: (name: string) => incoming.headersDistinct[name.toLowerCase()]?.[0],
      body: Buffer.alloc(0),
      startedAt,
      endedAt: undefined as number | undefined,
      answered: false
    }
    response.once("close", () => {
      count(path, -1)
      request.endedAt = Date.now()
      request.answered = response.writableFinished
      ends.add()
    })
    try {
      request.body = Buffer.concat(await Array.fromAsync(incoming))
      requests.push(request)
      arrivals.add()
      await handler(request, response)
    } catch (error) {
      // A caller that went away while sending is the test's business; a handler that throws is answered.
      if (!incoming.destroyed || incoming.complete) response.writeHead(500).end(String(error))
    }
  })

  const port = yield* listen(server, () => server.closeAllConnections(), options.port)

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    answer: (next: Handler) => {
      handler = next
    },
    inFlight: (path = allPaths) => inFlight.get(path) ?? 0,
    maxInFlight: (path = allPaths) => maxInFlight.get(path) ?? 0,
    received: (count: number) => Effect.as(arrivals.atLeast(count), requests),
    ended: (count: number) => ends.atLeast(count)
  } satisfies HttpFunction as HttpFunction
})
