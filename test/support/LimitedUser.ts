import { Effect } from "effect"
import { startNats } from "./NatsServers.ts"

/** A server with somebody who may do everything (`url`), and somebody who may not do some things (`limitedUrl`). */
export const start = Effect.fnUntraced(function* (deny: {
  readonly publish?: ReadonlyArray<string>
  readonly subscribe?: ReadonlyArray<string>
}) {
  const permissions = {
    publish: { deny: deny.publish ?? [] },
    subscribe: { deny: deny.subscribe ?? [] }
  }
  const users = [
    { user: "anybody", password: "secret" },
    { user: "limited", password: "secret", permissions }
  ]
  const { url } = yield* startNats({
    config: `authorization: ${JSON.stringify({ users })}\nno_auth_user: anybody`
  })
  return { url, limitedUrl: url.replace("//", "//limited:secret@") }
})
