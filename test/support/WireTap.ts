import { connect, createServer, type Socket } from "node:net"
import { Effect } from "effect"
import { listen } from "./Listening.ts"

/** What one side of a NATS connection said: the words of its protocol line, and the payload of a message. */
export interface Said {
  /** `PUB`, `MSG`, `SUB`... */
  readonly verb: string
  /** Without the sizes that a message's line ends with. */
  readonly words: ReadonlyArray<string>
  /** Headers included, where there are any. */
  readonly payload: string
}

/** How many sizes the line of a message ends with; other lines have no payload. */
const sizesOf: Readonly<Record<string, number>> = { PUB: 1, MSG: 1, HPUB: 2, HMSG: 2 }

const crlf = "\r\n"

/** Cuts what a socket brings into what was said. */
const listener = (said: (said: Said) => void) => {
  let rest = Buffer.alloc(0)
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (true) {
      const lineEnd = rest.indexOf(crlf)
      if (lineEnd < 0) return
      const [verb = "", ...words] = rest.toString("latin1", 0, lineEnd).trim().split(/\s+/)
      const sizes = sizesOf[verb] ?? 0
      const payloadStart = lineEnd + crlf.length
      const size = sizes === 0 ? 0 : Number(words.at(-1))
      const end = payloadStart + (sizes === 0 ? 0 : size + crlf.length)
      if (rest.length < end) return
      const payload = rest.toString("utf8", payloadStart, payloadStart + size)
      said({ verb, words: words.slice(0, words.length - sizes), payload })
      rest = rest.subarray(end)
    }
  }
}

/**
 * A place in the wire between a client and the NATS server on `port`: everything passes as it comes, and the
 * listener hears it in its order. Unlike a subscription it changes nothing: to the server, whoever subscribes to an
 * inbox is somebody to deliver to.
 */
export const start = Effect.fnUntraced(function* (port: number, said: (said: Said) => void) {
  const sockets = new Set<Socket>()
  const relay = (from: Socket, to: Socket) => {
    const hear = listener(said)
    sockets.add(from)
    from.on("data", (chunk) => {
      hear(chunk)
      to.write(chunk)
    })
    from.on("error", () => to.destroy())
    from.on("close", () => {
      sockets.delete(from)
      to.end()
    })
  }
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1")
    relay(client, upstream)
    relay(upstream, client)
  })
  const listensOn = yield* listen(server, () => {
    for (const socket of sockets) socket.destroy()
  })
  return { url: `nats://127.0.0.1:${listensOn}` }
})
