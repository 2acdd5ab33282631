import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net"
import { Effect } from "effect"
import { found, start, type Options } from "./TestGateway.ts"

/** A gateway whose only function is at that URL. */
export const before = (url: string, options: Options = {}) =>
  start({ find: (fn) => found(fn, { url }), ...options })

/** A function that sees requests before their bodies have come. */
export const streaming = (handler: (request: IncomingMessage, response: ServerResponse) => void) =>
  listening(createServer(handler), (server) => server.closeAllConnections())

/** A function that does not speak HTTP well. */
export const speaking = (handler: (socket: Socket) => void) => {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on("error", () => {}))
    handler(socket)
  })
  return listening(server, () => sockets.forEach((socket) => socket.destroy()))
}

const listening = <S extends ReturnType<typeof createTcpServer>>(server: S, cut: (server: S) => void) =>
  Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
      )
    }),
    () =>
      Effect.sync(() => {
        server.close()
        cut(server)
      })
  )
