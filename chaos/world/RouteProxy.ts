import { type Socket, connect, createServer } from "node:net"
import { Effect } from "effect"

/** A way from one node of a cluster to another, which can be closed: what is open breaks, and nobody gets through. */
export const start = Effect.fnUntraced(function* (port: number, target: number) {
  const sockets = new Set<Socket>()
  let open = true
  const server = createServer((client) => {
    if (!open) return void client.destroy()
    const upstream = connect(target, "127.0.0.1")
    for (const [from, to] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.on("data", (chunk) => void to.write(chunk))
      from.on("error", () => to.destroy())
      from.on("close", () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  const breakAll = () => sockets.forEach((socket) => socket.destroy())
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(port, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        breakAll()
      })
  )
  return {
    close: () => {
      open = false
      breakAll()
    },
    open: () => void (open = true)
  }
})
