import { rm, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as NatsIdentities from "../support/NatsIdentities.ts"
import * as NatsProxy from "../support/NatsProxy.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { type Environment, post, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"
import * as Scrape from "../support/Scrape.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const fixture = (name: string) => resolve(import.meta.dirname, "../fixtures/tls", name)

const file = Effect.fnUntraced(function* (text: string) {
  const path = join(yield* temporaryDirectory, "secret")
  yield* Effect.promise(() => writeFile(path, text))
  return path
})

/** What a server demands, and the settings that satisfy it. */
interface Way {
  readonly config: string
  readonly environment: Environment
}

const password = Effect.gen(function* () {
  const config = "authorization { user: sluice, password: secret }"
  return { config, environment: { nats_user: "sluice", nats_password_file: yield* file("secret\n") } }
})

const ways: Readonly<Record<string, Effect.Effect<Way, never, Scope.Scope>>> = {
  "user and password": password,
  "a token": Effect.gen(function* () {
    return {
      config: "authorization { token: secret }",
      environment: { nats_token_file: yield* file("secret") }
    }
  }),
  "an nkey": Effect.gen(function* () {
    const { publicKey, seed } = NatsIdentities.nkey()
    const config = `authorization { users = [ { nkey: ${publicKey} } ] }`
    return { config, environment: { nats_nkey_file: yield* file(`${seed}\n`) } }
  }),
  "a credentials file": Effect.gen(function* () {
    const { config, creds } = NatsIdentities.operatorMode()
    return { config, environment: { nats_creds_file: yield* file(creds) } }
  }),
  "TLS with a client certificate": Effect.succeed({
    config: `tls { cert_file: "${fixture("server.pem")}", key_file: "${fixture("server-key.pem")}", ca_file: "${fixture("ca.pem")}", verify: true }`,
    environment: {
      nats_ca_file: fixture("ca.pem"),
      nats_cert_file: fixture("client.pem"),
      nats_key_file: fixture("client-key.pem")
    }
  })
}

describe.each(servers)("on $name, which demands", ({ bin }) => {
  it.live.each(Object.entries(ways))("%s, a call goes through", ([, way]) =>
    Effect.gen(function* () {
      const { config, environment } = yield* way
      const nats = yield* startNats({ bin, config })
      const fn = yield* HttpFunction.start()
      const all = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...environment }
      const gateway = yield* startGateway(all)
      yield* startWorker(all)
      expect((yield* post(`${gateway.url}/async-function/f`)).status).toBe(202)
      yield* fn.received(1)
    })
  )
})

describe("a worker that NATS does not let in ends with a message that says what to change:", () => {
  const endOf = Effect.fnUntraced(function* (environment: Environment) {
    const worker = yield* spawnProgram(["worker"], environment)
    expect(yield* worker.exit).toBe(2)
    return worker.log.lines
      .filter(({ level }) => level === "")
      .map(({ message }) => message)
      .join("\n")
  })
  const url = "nats://127.0.0.1:1"

  it.live("a file that cannot be read", () =>
    Effect.gen(function* () {
      expect(yield* endOf({ NATS_URL: url, nats_creds_file: "/nowhere/user.creds" })).toBe(
        'sluice: nats_creds_file="/nowhere/user.creds" cannot be read: ENOENT. Check path and permissions'
      )
    })
  )

  it.live("a file that is something else", () =>
    Effect.gen(function* () {
      const path = yield* file("not a seed")
      expect(yield* endOf({ NATS_URL: url, nats_nkey_file: path })).toBe(
        `sluice: nats_nkey_file="${path}" is not the seed of a user's nkey, SU…`
      )
    })
  )

  it.live("settings that exclude each other, or miss their other half", () =>
    Effect.gen(function* () {
      const said = yield* endOf({
        NATS_URL: "nats://a:b@127.0.0.1:1",
        nats_token_file: "t",
        nats_cert_file: "c"
      })
      expect(said).toContain("the credentials in NATS_URL and nats_token_file exclude each other")
      expect(said).toContain("nats_cert_file and nats_key_file go together")
    })
  )

  it.live("a wrong password", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ config: (yield* password).config })
      const said = yield* endOf({
        NATS_URL: nats.url,
        nats_user: "sluice",
        nats_password_file: yield* file("wrong")
      })
      expect(said).toBe(
        `sluice: NATS at ${nats.url} refuses the credentials (Authorization Violation): check nats_user="sluice" and nats_password_file`
      )
    })
  )

  it.live("no credentials where some are needed", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ config: (yield* password).config })
      expect(yield* endOf({ NATS_URL: nats.url })).toContain(
        "wants credentials (Authorization Violation): set nats_user"
      )
    })
  )

  it.live("a server whose certificate nobody vouches for", () =>
    Effect.gen(function* () {
      const config = `tls { cert_file: "${fixture("server.pem")}", key_file: "${fixture("server-key.pem")}" }`
      const nats = yield* startNats({ config })
      expect(yield* endOf({ NATS_URL: nats.url.replace("nats:", "tls:") })).toContain("check nats_ca_file")
    })
  )

  it.live("TLS settings for a server without TLS", () =>
    Effect.gen(function* () {
      const nats = yield* startNats()
      expect(yield* endOf({ NATS_URL: nats.url, nats_ca_file: fixture("ca.pem") })).toContain(
        "the TLS connection to NATS"
      )
    })
  )

  it.live("an account that may not use the stream", () =>
    Effect.gen(function* () {
      const permissions = `permissions: { publish: ["$JS.API.INFO"], subscribe: [">"] }`
      const nats = yield* startNats({
        config: `authorization { users = [ { user: sluice, password: secret, ${permissions} } ] }`
      })
      const environment = { NATS_URL: nats.url, ...(yield* password).environment }
      const said = yield* endOf(environment)
      expect(said).toContain("stream OF_faas-request cannot be made")
      expect(said).toContain('Permissions Violation for Publish to "$JS.API.STREAM.')
      expect(said).toContain("has to be allowed to publish to <queue>.>, ")
    })
  )
})

it.live(
  "a worker whose credentials are refused while it runs says which, and goes on when they are right",
  () =>
    Effect.gen(function* () {
      const { config, environment } = yield* password
      const nats = yield* startNats({ config })
      const proxy = yield* NatsProxy.start(nats.port)
      const fn = yield* HttpFunction.start()
      const all = { ...environment, function_url: `${fn.url}/{name}` }
      const worker = yield* startWorker({ ...all, NATS_URL: proxy.url })
      const refusal = `NATS at ${proxy.url} refuses the credentials (Authorization Violation): check nats_user="sluice" and nats_password_file`

      yield* Effect.promise(() => writeFile(environment.nats_password_file, "wrong"))
      yield* proxy.cut
      yield* worker.log.line(refusal)
      const readiness = yield* Effect.promise(() => fetch(`${worker.operationsUrl}/readyz`))
      expect(yield* Effect.promise(() => readiness.json())).toMatchObject({
        checks: expect.arrayContaining([{ name: "nats", ok: false, detail: refusal }])
      })
      yield* proxy.dialled(3)
      // As it may be for a moment while it is replaced.
      yield* Effect.promise(() => rm(environment.nats_password_file))
      yield* proxy.dialled(6)
      yield* Effect.promise(() => writeFile(environment.nats_password_file, "secret"))
      yield* worker.log.line("NATS reconnect")

      const gateway = yield* startGateway({ ...all, NATS_URL: nats.url })
      expect((yield* post(`${gateway.url}/async-function/f`)).status).toBe(202)
      yield* fn.received(1)
      for (const message of [refusal, "NATS disconnect", "NATS reconnect"]) {
        expect(worker.log.with(message), message).toHaveLength(1)
      }
      const samples = Scrape.parse(yield* Scrape.text(worker.operationsUrl))
      expect(Scrape.valueIn(samples, "queue_worker_nats_reconnect_total")).toBe(1)
    })
)

it.live.each([
  {
    who: "an account",
    config: "no_auth_user: nobody\naccounts { A { users: [ { user: nobody, password: x } ] } }",
    remedy: "not for the account that we connect to: enable it there"
  },
  { who: "a server", config: "jetstream: disabled", remedy: "start it with nats-server --jetstream" }
])("a worker that meets $who without JetStream waits for it, and says so", ({ config, remedy }) =>
  Effect.gen(function* () {
    const nats = yield* startNats({ config })
    const worker = yield* spawnProgram(["worker"], { NATS_URL: nats.url })
    const line = yield* worker.log.line("JetStream cannot be used")
    expect(line.fields["reason"]).toContain(remedy)
  })
)
