import { writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import { eventually } from "./Eventually.ts"
import { startNats } from "./NatsServers.ts"
import * as RestartableNats from "./RestartableNats.ts"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

/** What somebody may not do. */
interface Denied {
  readonly publish?: ReadonlyArray<string>
  readonly subscribe?: ReadonlyArray<string>
}

/** All that somebody may do. */
interface Allowed {
  readonly publish: ReadonlyArray<string>
  readonly subscribe: ReadonlyArray<string>
}

const authorization = (permissions: object) => {
  const users = [
    { user: "anybody", password: "secret" },
    { user: "limited", password: "secret", permissions }
  ]
  return `authorization: ${JSON.stringify({ users })}\nno_auth_user: anybody\n`
}

const denying = ({ publish = [], subscribe = [] }: Denied) =>
  authorization({ publish: { deny: publish }, subscribe: { deny: subscribe } })

const limited = (url: string) => url.replace("//", "//limited:secret@")

/** A server with somebody who may do everything (`url`), and somebody who may not do some things (`limitedUrl`). */
export const start = Effect.fnUntraced(function* (deny: Denied) {
  const { url } = yield* startNats({ config: denying(deny) })
  return { url, limitedUrl: limited(url) }
})

/** The same with somebody who may do nothing but some things. */
export const startAllowed = Effect.fnUntraced(function* (allow: Allowed, bin?: string) {
  const { url } = yield* startNats({
    config: authorization(allow),
    ...(bin === undefined ? {} : { bin })
  })
  return { url, limitedUrl: limited(url) }
})

/** The same with somebody whose permissions change while he is connected, as an operator reloads the configuration. */
export const startChanging = Effect.fnUntraced(function* () {
  const directory = yield* temporaryDirectory
  let changes = 0
  /** What tells that the server goes by the new permissions. */
  const sign = () => `sign.${changes}`
  const write = (deny: ReadonlyArray<string>) => {
    const file = join(directory, "users.conf")
    return Effect.promise(() => writeFile(file, denying({ publish: [...deny, sign()] })))
  }
  yield* write([])
  // The server reloads no configuration that names another port than it was started with.
  const nats = yield* RestartableNats.start({ config: `include "../${basename(directory)}/users.conf"` })
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: nats.url, user: "limited", pass: "secret" })),
    (connection) => Effect.promise(() => connection.close())
  )
  const refused = new Set<string>()
  const listen = async () => {
    for await (const status of connection.status()) {
      if (status.type === "error") refused.add(status.error.message)
    }
  }
  void listen()

  return {
    url: nats.url,
    port: nats.port,
    limited,
    /** From now on the server does not take what is published there. */
    deny: Effect.fnUntraced(function* (...publish: ReadonlyArray<string>) {
      changes++
      yield* write(publish)
      process.kill((yield* nats.pid) ?? 0, "SIGHUP")
      yield* eventually(
        "the server goes by the new permissions",
        Effect.promise(async () => {
          connection.publish(sign())
          await connection.flush()
          return [...refused].some((message) => message.includes(`"${sign()}"`))
        })
      )
    })
  }
})
