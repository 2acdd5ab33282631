import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTcpServer, type Socket } from "node:net"
import { Effect } from "effect"
import { listen } from "../support/Listening.ts"
import { found, start, type Options } from "./TestGateway.ts"

/** A gateway whose only function is at that URL. */
export const before = (url: string, options: Options = {}) =>
  start({ find: (fn) => found(fn, { url }), ...options })

/** A function that sees requests before their bodies have come. */
export const streaming = (handler: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.suspend(() => {
    const server = createServer(handler)
    return urlOf(listen(server, () => server.closeAllConnections()))
  })

/** A function that does not speak HTTP well. */
export const speaking = (handler: (socket: Socket) => void) => {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on("error", () => {}))
    handler(socket)
  })
  return urlOf(listen(server, () => sockets.forEach((socket) => socket.destroy())))
}

const urlOf = Effect.map((port: number) => `http://127.0.0.1:${port}`)
