import { writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Nats, type NatsOptions } from "../../src/queue/Nats.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { natsClient } from "../support/Sluice.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const fixture = (name: string) => resolve(import.meta.dirname, "../fixtures/tls", name)

/** Why there is no connection. */
const refusal = (options: Omit<NatsOptions, "name">) =>
  Layer.build(Nats.once({ name: "test", ...options })).pipe(
    Effect.flip,
    Effect.map(({ message }) => message)
  )

const password = Effect.fnUntraced(function* (text: string) {
  const path = join(yield* temporaryDirectory, "password")
  yield* Effect.promise(() => writeFile(path, text))
  return path
})

describe("whoever gives one command is told what to change", () => {
  it.live("when nobody listens", () =>
    Effect.gen(function* () {
      const message = yield* refusal({ url: "nats://127.0.0.1:1" })
      expect(message).toMatch(
        /^NATS at nats:\/\/127\.0\.0\.1:1 cannot be reached \(.*\): set NATS_URL or nats_host$/
      )
    })
  )

  it.live("when the server wants credentials, or others", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ config: "authorization { user: sluice, password: secret }" })
      expect(yield* refusal({ url })).toContain("wants credentials")
      const withUser = url.replace("nats://", "nats://sluice:wrong@")
      expect(yield* refusal({ url: withUser })).toMatch(/refuses the credentials .*: check NATS_URL$/)
      const access = { user: "sluice", passwordFile: yield* password("wrong") }
      expect(yield* refusal({ url, access })).toMatch(
        /refuses the credentials .*: check nats_user="sluice" and nats_password_file$/
      )
    })
  )

  it.live("when a file is missing, empty, or something else", () =>
    Effect.gen(function* () {
      const url = "nats://127.0.0.1:1"
      const access = { user: "sluice", passwordFile: "/nowhere" }
      expect(yield* refusal({ url, access })).toBe(
        'nats_password_file="/nowhere" cannot be read: ENOENT. Check path and permissions'
      )
      expect(yield* refusal({ url, access: { tokenFile: yield* password("\n") } })).toMatch(
        /is not a secret$/
      )
      expect(yield* refusal({ url, access: { nkeyFile: yield* password("secret") } })).toContain(
        "seed of a user's nkey"
      )
    })
  )

  it.live.each(servers)("when the account has no JetStream, or nobody has, on $name", ({ bin }) =>
    Effect.gen(function* () {
      const config = "accounts { plain: { users: [ { user: sluice, password: secret } ] } }"
      const { url } = yield* startNats({ bin, config })
      const message = yield* refusal({ url: url.replace("nats://", "nats://sluice:secret@") })
      expect(message).toBe(
        `NATS at ${url} has JetStream, but not for the account that we connect to: enable it there (jetstream: enabled), or use another account's credentials`
      )
      const plain = yield* startNats({ bin, config: "jetstream: disabled" })
      expect(yield* refusal({ url: plain.url })).toBe(
        `NATS at ${plain.url} has no JetStream: start it with nats-server --jetstream`
      )
    })
  )

  it.live("when the user may not use JetStream", () =>
    Effect.gen(function* () {
      const { limitedUrl, url } = yield* LimitedUser.start({ publish: ["$JS.API.INFO"] })
      const message = yield* refusal({ url: limitedUrl })
      expect(message).toContain(
        `NATS at ${url} does not let us use JetStream: Permissions Violation for Publish`
      )
      expect(message).toContain("has to be allowed to publish to <queue>.>, ")
    })
  )

  it.live("when the server is trusted and does not trust us: then it is not the certificates", () =>
    Effect.gen(function* () {
      const tls = `tls { cert_file: "${fixture("server.pem")}", key_file: "${fixture("server-key.pem")}" }`
      const { url } = yield* startNats({ config: `${tls}\nauthorization { token: secret }` })
      const access = { tokenFile: yield* password("wrong"), caFile: fixture("ca.pem") }
      expect(yield* refusal({ url, access })).toMatch(/refuses the credentials .*: check nats_token_file$/)
    })
  )

  it.live("when the queue's subjects belong to another stream", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats()
      const { manager } = yield* natsClient(url)
      yield* Effect.promise(() =>
        manager.streams.add({ name: "other", subjects: ["q.>"], storage: "memory" })
      )
      const queue = QueueStream.layer({ queue: "q", storage: "memory", replicas: 1 }).pipe(
        Layer.provide([Nats.once({ url, name: "test" }), QueueHealth.layer])
      )
      const { message } = yield* Effect.flip(Layer.build(queue))
      expect(message).toMatch(
        /^stream OF_q cannot be made: the server says "subjects overlap with an existing stream"$/
      )
    })
  )

  it.live("when there is no such queue", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats()
      const queue = QueueStream.existing("absent").pipe(Layer.provide(Nats.once({ url, name: "test" })))
      const { message } = yield* Effect.flip(Layer.build(queue))
      expect(message).toMatch(/^there is no queue "absent" \(no stream OF_absent\): set queue_name/)
    })
  )
})
