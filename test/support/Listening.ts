import type { AddressInfo, Server } from "node:net"
import { Effect } from "effect"

/**
 * Lets the server listen on 127.0.0.1 until the scope closes, and gives its port; dies when it cannot.
 *
 * @param cut ends the connections that are left then, which a server waits for
 * @param port 0 takes a free one
 */
export const listen = Effect.fnUntraced(function* (server: Server, cut: () => void, port = 0) {
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.once("error", (error) => resume(Effect.die(error)))
      server.listen(port, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        cut()
      })
  )
  return (server.address() as AddressInfo).port
})
