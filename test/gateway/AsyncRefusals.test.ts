import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { PublishError } from "../../src/queue/QueueError.ts"
import * as RawClient from "./RawClient.ts"
import { problemOf, start } from "./TestGateway.ts"

describe("an asynchronous call is refused", () => {
  it.effect("404 when its function is unknown", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ find: () => ({ _tag: "Unknown" }) })
      const answer = yield* gateway.send("/async-function/nope.staging", { headers: { "x-call-id": "id-1" } })
      const problem = problemOf(answer)
      assert.deepEqual(problem, {
        type: "urn:sluice:problem:unknown-function",
        title: "Unknown function",
        status: 404,
        detail: "There is no function nope in the namespace staging.",
        callId: "id-1"
      })
      assert.strictEqual(answer.headers["x-call-id"], "id-1")
      assert.lengthOf(gateway.stored, 0)
    })
  )

  it.effect("405 with Allow for another method", () =>
    Effect.gen(function* () {
      const gateway = yield* start()
      for (const method of ["GET", "PUT", "DELETE"] as const) {
        const answer = yield* gateway.send("/async-function/echo", { method })
        assert.strictEqual(problemOf(answer).status, 405)
        assert.strictEqual(answer.headers.allow, "POST")
      }
    })
  )

  it.effect.each(["../echo", "..", "a%2Fb", "a*", "a>"])("400 for the name %s", (name) =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const answer = yield* gateway.send(`/async-function/${name}`)
      assert.strictEqual(problemOf(answer).status, 400)
    })
  )

  it.effect.each(["a\x01b", "a\tb", "é"])("400 for a URL with %j", (name) =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const bytes = Buffer.from(`POST /async-function/${name} HTTP/1.1\r\nHost: a\r\n\r\n`)
      const answer = yield* RawClient.roundTrip(gateway.port, bytes)
      assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
      assert.include(answer, "application/problem+json")
      assert.include(answer, "urn:sluice:problem:malformed-request")
    })
  )

  it.effect.each(["/relative", "receiver:8080", "mailto:a@b", "ftp://a/b", "http://", "http://u:p@a/"])(
    "400 for the callback URL %s",
    (url) =>
      Effect.gen(function* () {
        const gateway = yield* start()
        const answer = yield* gateway.send("/async-function/echo", { headers: { "x-callback-url": url } })
        assert.strictEqual(problemOf(answer).type, "urn:sluice:problem:bad-callback-url")
        assert.strictEqual(answer.status, 400)
        assert.lengthOf(gateway.stored, 0)
      })
  )

  it.effect("400 for a callback to a host that is not allowed, with the reason", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ callbackAllowHosts: ["hooks.test", "*.example.com"] })
      const submit = (url: string) =>
        gateway.send("/async-function/echo", { headers: { "x-callback-url": url } })
      for (const url of [
        "http://evil.test/hooks.test",
        "http://example.com/",
        "http://hooks%2etest.evil.test/"
      ]) {
        const problem = problemOf(yield* submit(url))
        assert.strictEqual(problem.status, 400)
        assert.strictEqual(problem.type, "urn:sluice:problem:bad-callback-url")
        assert.match(
          problem.detail,
          /^X-Callback-Url is refused: its host \S+ is not one that callback_allow_hosts/
        )
      }
      assert.lengthOf(gateway.stored, 0)
      assert.strictEqual((yield* submit("http://HOOKS.test:8080/done")).status, 202)
      assert.strictEqual((yield* submit("https://a.b.example.com/done")).status, 202)
    })
  )

  it.effect("400 for two callback URLs", () =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const headers = ["x-callback-url", "http://a/", "x-callback-url", "http://b/"]
      const answer = yield* gateway.send("/async-function/echo", { headers })
      assert.include(problemOf(answer).detail, "sent 2 times")
    })
  )

  it.effect.each([
    { ids: ["with space"] },
    { ids: ["a".repeat(129)] },
    { ids: [""] },
    { ids: ["one", "two"] }
  ])("400 for the call ids $ids", ({ ids }) =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const headers = ids.flatMap((id) => ["X-Call-Id", id])
      const answer = yield* gateway.send("/async-function/echo", { headers })
      assert.strictEqual(problemOf(answer).type, "urn:sluice:problem:bad-call-id")
      assert.strictEqual(answer.status, 400)
    })
  )

  it.effect.each([
    ["not-connected", 503, "queue-unavailable", "was not stored"],
    ["not-confirmed", 503, "queue-unavailable", "may have been stored"],
    ["forbidden", 503, "queue-unavailable", "was not stored"],
    ["queue-full", 429, "queue-full", "was not stored"],
    ["too-large", 413, "too-large", "at most"]
  ] as const)("when the publish fails with %s: %i", ([reason, status, kind, said]) =>
    Effect.gen(function* () {
      const publish = new PublishError({ reason, detail: "NATS said so" })
      const gateway = yield* start({ publish: Effect.fail(publish) })
      const answer = yield* gateway.send("/async-function/echo")
      const problem = problemOf(answer)
      assert.strictEqual(problem.status, status)
      assert.strictEqual(problem.type, `urn:sluice:problem:${kind}`)
      assert.include(problem.detail, said)
      assert.strictEqual(problem.callId, answer.headers["x-call-id"])
      assert.strictEqual(answer.headers["retry-after"], status !== 413 ? "1" : undefined)
    })
  )
})

describe("a call whose body does not arrive", () => {
  it.effect("is not stored when the client breaks off", () =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const client = yield* RawClient.open(gateway.port)
      client.write(
        "POST /async-function/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
      )
      yield* client.until(" 100 ")
      client.write("half")
      const end = yield* Effect.forkChild(client.closed)
      client.abort()
      yield* Fiber.join(end)
      yield* gateway.send("/async-function/echo")
      assert.lengthOf(gateway.stored, 1)
    })
  )

  it.effect("is answered 400 when its chunks are broken", () =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const answer = yield* RawClient.roundTrip(
        gateway.port,
        "POST /async-function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nzz\r\n"
      )
      assert.include(answer, " 400 Bad Request")
      assert.lengthOf(gateway.stored, 0)
    })
  )
})
