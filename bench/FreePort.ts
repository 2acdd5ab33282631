import { createServer, type AddressInfo } from "node:net"
import { Effect } from "effect"

/** A TCP port of 127.0.0.1 that nobody listens on at the moment. */
export const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})
