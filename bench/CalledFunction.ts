import { createServer } from "node:http"
import { Effect } from "effect"
import * as Listening from "../test/support/Listening.ts"

/** A function in this process, so that its clock is the caller's; it tells when a call has arrived. */
export const listen = Effect.gen(function* () {
  const awaited = new Map<string, (arrivedAt: number) => void>()
  const server = createServer((request, response) => {
    awaited.get(String(request.headers["x-call-id"]))?.(performance.now())
    request.resume()
    response.end("ok")
  })
  const port = yield* Listening.listen(server, () => server.closeAllConnections())
  return {
    port,
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
