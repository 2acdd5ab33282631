import { resolve } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import { startNats } from "../support/NatsServers.ts"
import * as RestartableNats from "../support/RestartableNats.ts"
import { LogBook, logger } from "../support/Sluice.ts"

const fixture = (name: string) => resolve(import.meta.dirname, "../fixtures/tls", name)

/** A program that begins to connect, and what it says meanwhile. */
const begin = Effect.fnUntraced(function* (url: string) {
  const log = new LogBook()
  const health = yield* Layer.build(QueueHealth.layer)
  const connecting = yield* Layer.build(Nats.layer({ url, name: "test" })).pipe(
    Effect.map((context) => Context.get(context, Nats)),
    Effect.provide(Layer.merge(Layer.succeedContext(health), logger(log))),
    Effect.forkScoped
  )
  return { log, connecting, health: Context.get(health, QueueHealth).all }
})

describe("a program that stays", () => {
  it.live("waits for a server that is not there yet, and says so", () =>
    Effect.gen(function* () {
      const server = yield* RestartableNats.start()
      yield* server.stop
      const { connecting, health, log } = yield* begin(server.url)
      expect((yield* log.line("NATS cannot be reached, trying again")).fields).toMatchObject({
        url: server.url
      })
      expect(yield* health).toEqual([{ name: "nats", ok: false, detail: `connecting to ${server.url}` }])
      yield* server.restart
      expect((yield* Fiber.join(connecting)).connected()).toBe(true)
      expect(yield* health).toMatchObject([{ name: "nats", ok: true }])
    })
  )

  it.live("ends when waiting would not help: the certificate is one that nobody vouches for", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({
        config: `tls { cert_file: "${fixture("server.pem")}", key_file: "${fixture("server-key.pem")}" }`
      })
      const { connecting, log } = yield* begin(url.replace("nats:", "tls:"))
      const { message } = yield* Effect.flip(Fiber.join(connecting))
      expect(message).toMatch(/^the TLS connection to NATS at .* fails \(.*\): check nats_ca_file/)
      expect(log.lines).toEqual([])
    })
  )

  it.live("waits for a server that has no JetStream, or does not let it in there, and says which", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({
        config: "no_auth_user: nobody\naccounts { A { users: [ { user: nobody, password: x } ] } }"
      })
      const plain = yield* begin(url)
      const { limitedUrl } = yield* LimitedUser.start({ publish: ["$JS.API.INFO"] })
      const limited = yield* begin(limitedUrl)
      const [one, other] = yield* Effect.all([
        plain.log.line("JetStream cannot be used, trying again"),
        limited.log.line("JetStream cannot be used, trying again")
      ])
      expect(one.fields["reason"]).toBe(`${url} has no JetStream (nats-server --jetstream)`)
      expect(other.fields["reason"]).toContain("Permissions Violation")
    })
  )
})
