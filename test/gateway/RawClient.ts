import { connect, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** A TCP connection on which a test writes the very bytes of HTTP. */
interface RawClient {
  readonly socket: Socket
  readonly write: (bytes: string | Uint8Array) => void
  /** Waits until what has come so far holds the text, and gives all of it (as latin1). */
  readonly until: (text: string) => Effect.Effect<string>
  /** Waits until the server has closed the connection, and gives all that came. */
  readonly closed: Effect.Effect<string>
  /** Breaks the connection, as a crashed client does. */
  readonly abort: () => void
}

export const open = (port: number): Effect.Effect<RawClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    const socket = yield* Effect.acquireRelease(
      Effect.callback<Socket>((resume) => {
        const connecting = connect(port, "127.0.0.1", () => resume(Effect.succeed(connecting)))
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
    let received = ""
    socket.on("data", (chunk) => (received += chunk.toString("latin1")))
    socket.on("error", () => {})

    const when = (happened: () => boolean) =>
      Effect.callback<string>((resume) => {
        const look = () => {
          if (happened()) resume(Effect.succeed(received))
          else if (socket.closed)
            resume(Effect.die(new Error(`the connection was closed after: ${received}`)))
        }
        socket.on("data", look).on("close", look)
        look()
        return Effect.sync(() => socket.off("data", look).off("close", look))
      })

    return {
      socket,
      write: (bytes) => void socket.write(bytes),
      until: (text) => when(() => received.includes(text)),
      closed: when(() => socket.closed),
      abort: () => void socket.resetAndDestroy()
    }
  })

/** Sends one request on a connection of its own and gives the whole answer. */
export const roundTrip = (port: number, request: string | Uint8Array) =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* open(port)
      client.write(request)
      return yield* client.closed
    })
  )
