import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"

/** A function in this process, so that its clock is the caller's; it tells when a call has arrived. */
export const listen = Effect.gen(function* () {
  const awaited = new Map<string, (arrivedAt: number) => void>()
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((request, response) => {
        awaited.get(String(request.headers["x-call-id"]))?.(performance.now())
        request.resume()
        response.end("ok")
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close().closeAllConnections())
  )
  return {
    port: (server.address() as AddressInfo).port,
    /** When the call reaches the function, in milliseconds of `performance.now()`; listens from now on. */
    arrivalOf: (callId: string): Promise<number> =>
      new Promise((resolve) => {
        awaited.set(callId, (arrivedAt) => {
          awaited.delete(callId)
          resolve(arrivedAt)
        })
      })
  }
})
