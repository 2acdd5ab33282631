import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"
import type { History } from "../history/History.ts"
import type { Gate } from "./Gate.ts"

/** Takes callbacks, except while it is down. */
export const start = Effect.fnUntraced(function* (history: History, gate: Gate) {
  let down = false
  const server = createServer((request, response) => {
    request.resume()
    request.on("end", async () => {
      await gate.passed()
      // Nobody is there any more to be answered.
      if (response.destroyed) return
      const answer = down ? 503 : 200
      history.record({
        e: "callback",
        call: String(request.headers["x-call-id"] ?? ""),
        functionStatus: Number(request.headers["x-function-status"]),
        answer,
        taken: !down
      })
      response.writeHead(answer).end()
    })
  })
  server.keepAliveTimeout = 0
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    goDown: () => void (down = true),
    comeUp: () => void (down = false)
  }
})
