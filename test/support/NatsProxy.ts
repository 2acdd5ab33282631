import { connect, createServer, type Socket } from "node:net"
import { Effect } from "effect"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import { listen } from "./Listening.ts"

type Side = "client" | "server"

/**
 * Stands between a client and its server (on `port`), so that a test can cut the connection, and hold back what one
 * of the two says, while both run on.
 */
export const start = Effect.fnUntraced(function* (port: number) {
  const sockets = new Set<Socket>()
  const chunks = new ArrivalCounter()
  const dials = new ArrivalCounter()
  let silenced: Side | undefined
  let held: Array<{ readonly data: Buffer; readonly to: Socket }> = []
  let count = 0

  const relay = (side: Side, from: Socket, to: Socket) => {
    sockets.add(from)
    from.on("error", () => to.destroy())
    from.on("close", () => {
      sockets.delete(from)
      to.destroy()
    })
    from.on("data", (data) => {
      if (side !== silenced) return void to.write(data)
      held.push({ data, to })
      count++
      chunks.add()
    })
  }
  const server = createServer((client) => {
    dials.add()
    const upstream = connect(port, "127.0.0.1")
    relay("client", client, upstream)
    relay("server", upstream, client)
  })
  const end = () => {
    silenced = undefined
    held = []
    for (const socket of sockets) socket.destroy()
  }
  const listensOn = yield* listen(server, end)

  const heldBack = (text: string): Effect.Effect<void> =>
    Effect.suspend(() =>
      Buffer.concat(held.map(({ data }) => data)).includes(text)
        ? Effect.void
        : Effect.andThen(chunks.atLeast(count + 1), heldBack(text))
    )

  return {
    url: `nats://127.0.0.1:${listensOn}`,
    /** Waits until the client has connected so many times since the start, whether the server was there or not. */
    dialled: (count: number) => dials.atLeast(count),
    /** Ends every connection, what was held back is lost; the client may connect again at once. */
    cut: Effect.sync(end),
    /** From now on the other side does not hear this one. */
    silence: (side: Side) => Effect.sync(() => void (silenced = side)),
    /** Waits until something with this text has been held back. */
    heldBack,
    /** The other side hears what was held back, and all that follows. */
    pass: Effect.sync(() => {
      silenced = undefined
      for (const { data, to } of held.splice(0)) to.write(data)
    })
  }
})
