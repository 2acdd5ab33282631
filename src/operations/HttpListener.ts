import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { Server as NetServer, type AddressInfo, type Socket } from "node:net"
import { Cause, Duration, Effect, Exit, FiberSet, type Scope } from "effect"
import { fromNode, type Address, type ListenError } from "./ListenError.ts"
import * as Problem from "./Problem.ts"

export interface Options<R> extends Address {
  /** How long running requests may go on when the scope closes, milliseconds. */
  readonly shutdownGraceMillis: number
  /** How long a whole request, with its body, may take to arrive, milliseconds; 5 minutes when not given. */
  readonly requestTimeoutMillis?: number | undefined
  /**
   * Answers one request. It is interrupted when the client goes away. A request that expects "100 Continue"
   * is given to it too: it calls `writeContinue` when it wants the body.
   */
  readonly handler: (
    request: IncomingMessage,
    response: ServerResponse
  ) => Effect.Effect<void, Problem.Problem, R>
}

/**
 * Listens until the scope closes: then accepts nothing more, lets running requests finish within the grace,
 * and interrupts the rest.
 *
 * This is Node's own server and not `effect/http`, which shows neither the URL nor the headers as they came.
 */
export const listen = Effect.fnUntraced(function* <R>(
  options: Options<R>
): Effect.fn.Return<{ readonly port: number }, ListenError, R | Scope.Scope> {
  const server = createServer({
    // The client's power may fail in the middle of a request: nothing else would notice.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    // Longer than clients and proxies keep an idle connection: who closes it while a request is on its way makes
    // that fail.
    keepAliveTimeout: 75_000,
    headersTimeout: 60_000,
    requestTimeout: options.requestTimeoutMillis ?? 300_000
  })
  const running = yield* FiberSet.make<void>()
  const run = yield* FiberSet.runtime(running)<R>()
  const responses = new Set<ServerResponse>()

  yield* Effect.addFinalizer(() => close(server, running, responses, options.shutdownGraceMillis))

  const serve = (request: IncomingMessage, response: ServerResponse) => {
    responses.add(response)
    // The socket's end shows as `close` of the response; without listeners these would end the process.
    request.on("error", ignore)
    response.on("error", ignore)
    // Whatever the handler left of the body is read and forgotten. Closing the connection on a client that is
    // still sending would take the answer away from it.
    response.once("finish", () => request.resume())
    if (!server.listening) response.shouldKeepAlive = false

    // The fiber outlasts the handler until the answer has left, so that closing waits for that too.
    const fiber = run(Effect.andThen(answer(options.handler(request, response), response), closed(response)))
    response.once("close", () => {
      responses.delete(response)
      if (!response.writableFinished) fiber.interruptUnsafe()
    })
  }
  server.on("request", serve)
  server.on("checkContinue", serve)
  server.on("clientError", (cause: NodeJS.ErrnoException, socket: Socket) => {
    refuse(cause, socket, responses)
  })

  yield* bind(server, options)
  const { port } = server.address() as AddressInfo
  yield* Effect.logInfo("listening", { [options.setting]: port })
  return { port }
})

const ignore = () => {}

const bind = (server: Server, address: Address) =>
  Effect.callback<void, ListenError>((resume) => {
    const onError = (cause: NodeJS.ErrnoException) => resume(Effect.fail(fromNode(cause, address)))
    server.once("error", onError)
    server.listen({ port: address.port, host: address.host }, () => {
      server.off("error", onError)
      resume(Effect.void)
    })
  })

const internalError = new Problem.Problem({
  status: 500,
  kind: "internal",
  title: "Internal error",
  detail: "The request could not be handled; the program's log says why."
})

const answer = <R>(handler: Effect.Effect<void, Problem.Problem, R>, response: ServerResponse) =>
  handler.pipe(
    Effect.catchTag("Problem", (problem) => Effect.sync(() => Problem.send(response, problem))),
    Effect.onExit((exit) => {
      if (Exit.isSuccess(exit)) return Effect.void
      if (Cause.hasInterruptsOnly(exit.cause)) return Effect.sync(() => void response.destroy())
      return Effect.andThen(
        Effect.sync(() => Problem.send(response, internalError)),
        Effect.logError("a request could not be handled", exit.cause)
      )
    }),
    Effect.exit,
    Effect.asVoid
  )

/** Answers what Node could not parse or did not get in time, where no answer is under way. */
const refuse = (cause: NodeJS.ErrnoException, socket: Socket, responses: ReadonlySet<ServerResponse>) => {
  const answering = [...responses].some((response) => response.socket === socket && response.headersSent)
  if (!socket.writable || answering) {
    socket.destroy()
    return
  }
  const problem = problemOf(cause)
  socket.end(Problem.toRawAnswer(problem, STATUS_CODES[problem.status] ?? ""))
}

const problemOf = (cause: NodeJS.ErrnoException): Problem.Problem => {
  switch (cause.code) {
    case "HPE_HEADER_OVERFLOW":
      return new Problem.Problem({
        status: 431,
        kind: "headers-too-large",
        title: "Headers too large",
        detail: "The request's headers are larger than 16 KiB."
      })
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new Problem.Problem({
        status: 408,
        kind: "request-timeout",
        title: "Request timeout",
        detail: "The request did not arrive in time."
      })
    default:
      return new Problem.Problem({
        status: 400,
        kind: "malformed-request",
        title: "Malformed request",
        detail: `This is no HTTP request: ${cause.message.replace(/^Parse Error: /, "")}.`
      })
  }
}

const closed = (response: ServerResponse) =>
  Effect.callback<void>((resume) => {
    if (response.closed) resume(Effect.void)
    else response.once("close", () => resume(Effect.void))
  })

const close = Effect.fnUntraced(function* (
  server: Server,
  running: FiberSet.FiberSet<void>,
  responses: ReadonlySet<ServerResponse>,
  graceMillis: number
) {
  // Not the HTTP server's own close: it also cuts connections whose answer has been written but not yet sent.
  NetServer.prototype.close.call(server)
  for (const response of responses) if (!response.headersSent) response.shouldKeepAlive = false
  yield* FiberSet.awaitEmpty(running).pipe(Effect.timeoutOption(Duration.millis(graceMillis)))
  // Interrupts what still runs, as the loss of any connection does.
  server.closeAllConnections()
})
