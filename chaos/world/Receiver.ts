import { createServer } from "node:http"
import { Effect } from "effect"
import * as Listening from "../../test/support/Listening.ts"
import type { History } from "../history/History.ts"
import type { PlannedCall } from "../plan/Plan.ts"
import type { Gate } from "./Gate.ts"

/** Takes callbacks, except while it is down and those that are planned to be refused once. */
export const start = Effect.fnUntraced(function* (
  history: History,
  calls: ReadonlyMap<string, PlannedCall>,
  gate: Gate
) {
  let down = false
  const refused = new Set<string>()
  const takes = (call: string) => {
    const refuses = calls.get(call)?.callbackRefused === true && !refused.has(call)
    if (refuses) refused.add(call)
    return !down && !refuses
  }
  const server = createServer((request, response) => {
    request.resume()
    request.on("end", async () => {
      await gate.passed()
      // Nobody is there any more to be answered.
      if (response.destroyed) return
      const call = String(request.headers["x-call-id"] ?? "")
      const taken = takes(call)
      const answer = taken ? 200 : 503
      history.record({
        e: "callback",
        call,
        functionStatus: Number(request.headers["x-function-status"]),
        answer,
        taken
      })
      response.writeHead(answer).end()
    })
  })
  server.keepAliveTimeout = 0
  const port = yield* Listening.listen(server, () => server.closeAllConnections())
  return {
    url: `http://127.0.0.1:${port}`,
    goDown: () => void (down = true),
    comeUp: () => void (down = false)
  }
})
