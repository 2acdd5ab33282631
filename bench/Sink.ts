import { createServer } from "node:http"
import { Effect } from "effect"
import * as Listening from "../test/support/Listening.ts"

/** A collector that takes traces and forgets them; gives its URL. */
export const listen = Effect.gen(function* () {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.setHeader("Content-Type", "application/x-protobuf").end())
  })
  return `http://127.0.0.1:${yield* Listening.listen(server, () => server.closeAllConnections())}`
})
