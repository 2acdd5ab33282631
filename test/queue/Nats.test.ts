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

  it.live(
    "waits for an account without JetStream, says so, is not ready, and goes on when there is one",
    () =>
      Effect.gen(function* () {
        const plain = yield* RestartableNats.start({
          config: "no_auth_user: nobody\naccounts { A { users: [ { user: nobody, password: x } ] } }"
        })
        const { connecting, health, log } = yield* begin(plain.url)
        const line = yield* log.line("JetStream cannot be used, trying again")
        const reason = `NATS at ${plain.url} has JetStream, but not for the account that we connect to: enable it there (jetstream: enabled), or use another account's credentials`
        expect(line.fields).toEqual({ reason })
        expect(yield* health).toEqual([{ name: "nats", ok: false, detail: reason }])
        yield* plain.stop
        yield* startNats({ port: plain.port })
        yield* Fiber.join(connecting)
        expect(yield* health).toMatchObject([{ name: "nats", ok: true }])
      })
  )

  it.live("ends when its user may not use JetStream, and says what he needs", () =>
    Effect.gen(function* () {
      const { limitedUrl, url } = yield* LimitedUser.start({ publish: ["$JS.API.INFO"] })
      const { connecting, log } = yield* begin(limitedUrl)
      const { message } = yield* Effect.flip(Fiber.join(connecting))
      expect(message).toContain(
        `NATS at ${url} does not let us use JetStream: Permissions Violation for Publish`
      )
      expect(message).toContain("has to be allowed to publish to <queue>.>, ")
      expect(log.lines).toEqual([])
    })
  )
})
