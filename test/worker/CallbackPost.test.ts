import { createHmac } from "node:crypto"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { createServer } from "node:https"
import type { LookupFunction } from "node:net"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Result } from "effect"
import * as AddressRules from "../../src/domain/AddressRules.ts"
import { table } from "../../src/settings/SettingsTable.ts"
import { type Callback, CallbackPost, type CallbackPostOptions } from "../../src/worker/CallbackPost.ts"
import { eventually } from "../support/Eventually.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { listen } from "../support/Listening.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const denyNetworks = Result.getOrThrow(AddressRules.fromText(table.callbackDenyNetworks.fallback))

const start = Effect.fnUntraced(function* (options: Partial<CallbackPostOptions> = {}) {
  const layer = CallbackPost.layer({
    timeoutMillis: 10_000,
    tlsInsecure: false,
    allowHosts: undefined,
    denyNetworks,
    signingKeysFile: undefined,
    ...options
  })
  const { post } = Context.get(yield* Layer.build(layer), CallbackPost)
  return (url: string, callback: Partial<Callback> = {}) =>
    post({ id: "callback-1", url, headers: {}, body: Buffer.from("the result"), ...callback })
})

/** Answers each lookup with the next addresses, the last ones for ever. */
const resolver = (...answers: ReadonlyArray<ReadonlyArray<string>>) => {
  const asked: Array<string> = []
  const lookup: LookupFunction = (hostname, _, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(hostname)
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
    )
  }
  return { asked, lookup }
}

const tlsFile = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url))

const key = (byte: number) => Buffer.alloc(32, byte)
const line = (byte: number) => `whsec_${key(byte).toString("base64")}\n`

/** What a receiver that has `key` makes of the request. */
const signatureBy = (key: Buffer, request: HttpFunction.ReceivedRequest | undefined) => {
  const signed = `${request?.header("webhook-id")}.${request?.header("webhook-timestamp")}.`
  const hmac = createHmac("sha256", key).update(signed)
  return `v1,${hmac.update(request?.body ?? "").digest("base64")}`
}

const metadata = "169.254.169.254"

describe("one try to post a callback", () => {
  it.live("carries method, path, headers and body", () =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start()
      const post = yield* start()
      const headers = { "X-Call-Id": ["call-7"], "X-Two": ["1", "2"], "Webhook-Id": ["of the function"] }
      expect(yield* post(`${receiver.url}/done?a=b`, { headers })).toEqual({ _tag: "Taken", status: 200 })
      const [request] = receiver.requests
      expect(request).toMatchObject({ method: "POST", url: "/done?a=b" })
      expect(request?.body.toString()).toBe("the result")
      expect(request?.header("x-call-id")).toBe("call-7")
      expect(request?.header("webhook-id")).toBe("of the function")
      expect(request?.header("webhook-signature")).toBeUndefined()
    })
  )

  it.live.each([
    [202, { _tag: "Taken", status: 202 }],
    [301, { _tag: "NotTaken", detail: "the receiver answered 301, and redirects are not followed" }],
    [307, { _tag: "NotTaken", detail: "the receiver answered 307, and redirects are not followed" }],
    [400, { _tag: "NotTaken", status: 400, detail: "the receiver answered 400", retryAfter: 7_000 }],
    [410, { _tag: "Never", status: 410, detail: "the receiver answered 410: it wants no more callbacks" }],
    [429, { _tag: "NotTaken", status: 429, retryAfter: 7_000 }],
    [503, { _tag: "NotTaken", status: 503, retryAfter: 7_000 }]
  ] as const)("answered %i is judged so, and is one request", ([status, posted]) =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start()
      const post = yield* start()
      receiver.answer(
        (_, response) =>
          void response.writeHead(status, { Location: `${receiver.url}/other`, "Retry-After": "7" }).end()
      )
      expect(yield* post(receiver.url)).toMatchObject(posted)
      expect(receiver.requests).toHaveLength(1)
    })
  )

  it.live("is not taken when nobody listens, or nobody has the name", () =>
    Effect.gen(function* () {
      const post = yield* start({ lookup: resolver([]).lookup })
      const unanswered = { _tag: "NotTaken", status: undefined, retryAfter: undefined }
      const refused = yield* post("http://127.0.0.1:1/")
      expect(refused).toEqual({ ...unanswered, detail: expect.stringContaining("ECONNREFUSED") })
      const unknown = yield* post("http://nobody.test/")
      expect(unknown).toEqual({ ...unanswered, detail: "nobody.test has no address" })
    })
  )

  it.live("is not taken when the receiver is silent for too long", () =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start({ answer: () => {} })
      const post = yield* start({ timeoutMillis: 100 })
      expect(yield* post(receiver.url)).toMatchObject({
        _tag: "NotTaken",
        detail: "the receiver did not answer within 0.1s"
      })
      yield* receiver.ended(1)
    })
  )

  it.live.each([200, 503])("is judged by the status %i although the answer never ends", (status) =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start({
        answer: (_, response) => {
          const more = () => {
            while (response.write("x".repeat(16 * 1024)));
          }
          response.writeHead(status, { "Retry-After": "7" }).on("drain", more)
          more()
        }
      })
      // Only the bound on the body can end this: there is no time limit to speak of.
      const post = yield* start({ timeoutMillis: 3_600_000 })
      expect(yield* post(receiver.url)).toMatchObject({ status })
      yield* receiver.ended(1)
    })
  )

  it.live("is taken with a 200 whose body stays away", () =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start({
        answer: (_, response) => void response.writeHead(200, { "Content-Length": 10 }).write("half")
      })
      const post = yield* start({ timeoutMillis: 2_000 })
      expect(yield* post(receiver.url)).toEqual({ _tag: "Taken", status: 200 })
      yield* receiver.ended(1)
    })
  )

  it.live("is taken with a 200 whose body breaks off", () =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start({
        answer: (_, response) =>
          void response.writeHead(200, { "Content-Length": 10 }).write("half", () => response.destroy())
      })
      const post = yield* start()
      expect(yield* post(receiver.url)).toEqual({ _tag: "Taken", status: 200 })
    })
  )

  it.live("is not taken with headers without bound", () =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start({
        answer: (_, response) => void response.writeHead(200, { "X-Long": "x".repeat(100_000) }).end()
      })
      const post = yield* start()
      expect(yield* post(receiver.url)).toMatchObject({ _tag: "NotTaken", status: undefined })
    })
  )
})

describe("a callback is never posted", () => {
  it.live.each([
    `http://${metadata}/latest/meta-data/`,
    "http://0xa9fea9fe/",
    "http://2852039166/",
    `http://[::ffff:${metadata}]/`,
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    `https://${metadata}/`
  ])("to the denied address of %s", (url) =>
    Effect.gen(function* () {
      const post = yield* start()
      expect(yield* post(url)).toEqual({
        _tag: "Never",
        status: undefined,
        detail: expect.stringMatching(/^the address \S+ is in callback_deny_networks$/)
      })
    })
  )

  it.live.each(["http", "https"])("to a name that leads to a denied address over %s", (scheme) =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start()
      const { asked, lookup } = resolver(["127.0.0.1", "::1"])
      const post = yield* start({ denyNetworks: ["127.0.0.0/8", "::1"], lookup })
      expect(yield* post(`${scheme}://receiver.test:${receiver.port}/`)).toEqual({
        _tag: "Never",
        status: undefined,
        detail: "receiver.test is at 127.0.0.1, ::1, which callback_deny_networks denies"
      })
      expect(asked).toEqual(["receiver.test"])
      expect(receiver.requests).toEqual([])
    })
  )

  it.live("to a name that changes its mind after it was found good", () =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start({
        answer: (_, response) => void response.writeHead(200, { Connection: "close" }).end()
      })
      const { asked, lookup } = resolver(["127.0.0.1"], [metadata])
      const post = yield* start({ lookup })
      const url = `http://receiver.test:${receiver.port}/`
      // The one lookup is both what is checked and what is connected to.
      expect(yield* post(url)).toEqual({ _tag: "Taken", status: 200 })
      expect(asked).toHaveLength(1)
      expect(yield* post(url)).toMatchObject({ _tag: "Never", detail: expect.stringContaining(metadata) })
      expect(asked).toHaveLength(2)
      expect(receiver.requests).toHaveLength(1)
    })
  )

  it.live("to a host that is not allowed, nor with another scheme", () =>
    Effect.gen(function* () {
      const receiver = yield* HttpFunction.start()
      const { asked, lookup } = resolver(["127.0.0.1"])
      const post = yield* start({ allowHosts: ["*.good.test"], lookup })
      expect(yield* post(`http://good.test:${receiver.port}/`)).toMatchObject({
        _tag: "Never",
        detail: expect.stringContaining("callback_allow_hosts")
      })
      expect(yield* post("ftp://a.good.test/")).toMatchObject({
        _tag: "Never",
        detail: expect.stringContaining("ftp")
      })
      expect(asked).toEqual([])
      expect(yield* post(`http://a.good.test:${receiver.port}/`)).toMatchObject({ _tag: "Taken" })
    })
  )
})

it.live("a name with a denied address among others is called at the others", () =>
  Effect.gen(function* () {
    const receiver = yield* HttpFunction.start()
    const post = yield* start({ lookup: resolver([metadata, "127.0.0.1"]).lookup })
    expect(yield* post(`http://receiver.test:${receiver.port}/`)).toMatchObject({ _tag: "Taken" })
  })
)

it.live("a receiver's certificate is verified unless tls_insecure", () =>
  Effect.gen(function* () {
    const server = createServer(
      { key: tlsFile("receiver.key"), cert: tlsFile("receiver.crt") },
      (_, response) => response.end()
    )
    const port = yield* listen(server, () => server.closeAllConnections())
    const url = `https://receiver.test:${port}/`
    const { lookup } = resolver(["127.0.0.1"])
    const strict = yield* start({ lookup })
    expect(yield* strict(url)).toMatchObject({
      _tag: "NotTaken",
      detail: expect.stringContaining("certificate")
    })
    const insecure = yield* start({ lookup, tlsInsecure: true })
    expect(yield* insecure(url)).toEqual({ _tag: "Taken", status: 200 })
  })
)

describe("a signed callback", () => {
  it.live("is verified by its headers, which the function cannot write", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryDirectory, "keys")
      yield* Effect.promise(() => writeFile(file, line(1) + line(2)))
      const receiver = yield* HttpFunction.start()
      const post = yield* start({ signingKeysFile: file })
      const headers = {
        "webhook-id": ["forged"],
        "Webhook-Timestamp": ["1"],
        "WEBHOOK-SIGNATURE": ["v1,forged"],
        "X-Call-Id": ["call-7"]
      }
      const body = Buffer.from([0, 255, 46, 10])
      const before = Math.floor(Date.now() / 1000)
      yield* post(receiver.url, { id: "callback-9", headers, body })
      yield* post(receiver.url, { id: "callback-9", headers, body })
      for (const request of receiver.requests) {
        const names = request.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
        expect(names.filter((name) => name.startsWith("webhook-"))).toEqual([
          "webhook-id",
          "webhook-timestamp",
          "webhook-signature"
        ])
        expect(request.header("webhook-id")).toBe("callback-9")
        expect(request.header("x-call-id")).toBe("call-7")
        expect(Number(request.header("webhook-timestamp"))).toBeGreaterThanOrEqual(before)
        expect(request.header("webhook-signature")).toBe(
          `${signatureBy(key(1), request)} ${signatureBy(key(2), request)}`
        )
      }
    })
  )

  it.live("has the keys of the file as it is now", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryDirectory, "keys")
      yield* Effect.promise(() => writeFile(file, line(1)))
      const receiver = yield* HttpFunction.start()
      const post = yield* start({ signingKeysFile: file })
      const isSignedBy = (byte: number) =>
        Effect.gen(function* () {
          yield* post(receiver.url)
          const request = receiver.requests.at(-1)
          return request?.header("webhook-signature") === signatureBy(key(byte), request)
        })
      expect(yield* isSignedBy(1)).toBe(true)
      yield* Effect.promise(() => writeFile(file, line(2)))
      yield* eventually("the new key signs", isSignedBy(2))
    })
  )

  it.live.each([
    ["is not there", undefined, /^callback_signing_keys_file cannot be read: .*keys/],
    ["has a line that is no key", `${line(1)}secret\n`, /keys:2:1: this is no key/],
    ["is empty", "", /keys:1:1: there is no key/]
  ] as const)("is impossible when the file %s, which is said at the start", ([, text, said]) =>
    Effect.gen(function* () {
      const file = join(yield* temporaryDirectory, "keys")
      if (text !== undefined) yield* Effect.promise(() => writeFile(file, text))
      const error = yield* Effect.flip(start({ signingKeysFile: file }))
      expect(error._tag).toBe("WatchedFileError")
      expect(error.message).toMatch(said)
      expect(error.message).not.toContain("secret")
    })
  )
})
