import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { PublishError } from "../../src/queue/QueueError.ts"
import * as RawClient from "./RawClient.ts"
import { found, problemOf, start } from "./TestGateway.ts"

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe("an asynchronous call", () => {
  it.effect("is answered 202 with an empty body, its id and its start time", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_763_629_200_123)
      const gateway = yield* start()
      const answer = yield* gateway.send("/async-function/echo", { body: "hello" })
      assert.strictEqual(answer.status, 202)
      assert.strictEqual(answer.text, "")
      assert.strictEqual(answer.headers["content-length"], "0")
      assert.match(String(answer.headers["x-call-id"]), uuid)
      assert.strictEqual(answer.headers["x-start-time"], "1763629200123000000")
    })
  )

  it.effect("is stored as OpenFaaS's message says", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_763_629_200_000)
      const gateway = yield* start({
        find: (fn) =>
          found(fn, {
            annotations: { "com.openfaas.retry.attempts": "3", topic: "x" },
            labels: { "com.openfaas.scale.max": "5" },
            environment: { max_inflight: "2", TOKEN: "secret" }
          })
      })
      yield* gateway.send("/async-function/hr.staging/employees/100?sort=asc&q=a%20b", {
        body: Buffer.from([0, 1, 0xfe, 0xff]),
        headers: {
          host: "gateway:8080",
          "x-call-id": "my-id!~1",
          "X-START-TIME": "7",
          "x-callback-url": "http://receiver:8080/done%2Fnow?job=7"
        }
      })
      const [call] = yield* gateway.calls
      assert.deepEqual(gateway.stored[0]?.fn, { name: "hr", namespace: "staging" })
      assert.deepEqual(
        { ...call?.header },
        {
          "Content-Length": ["4"],
          "X-Call-Id": ["my-id!~1"],
          "X-Callback-Url": ["http://receiver:8080/done%2Fnow?job=7"],
          "X-Start-Time": ["7", "1763629200000000000"],
          Connection: ["keep-alive"]
        }
      )
      assert.deepInclude(call, {
        method: "POST",
        function: "hr.staging",
        host: "gateway:8080",
        path: "/employees/100",
        queryString: "sort=asc&q=a%20b",
        queueName: "faas-request",
        annotations: { "com.openfaas.retry.attempts": "3" },
        labels: { "com.openfaas.scale.max": "5" },
        environment: { max_inflight: "2" },
        unknown: {}
      })
      assert.deepEqual([...(call?.body ?? [])], [0, 1, 0xfe, 0xff])
      assert.deepInclude(call?.callbackUrl, {
        Scheme: "http",
        Host: "receiver:8080",
        Path: "/done/now",
        RawPath: "/done%2Fnow",
        RawQuery: "job=7"
      })
    })
  )

  it.effect("keeps the id of its client", () =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const answer = yield* gateway.send("/async-function/echo", { headers: { "x-call-id": "~mine!" } })
      assert.strictEqual(answer.headers["x-call-id"], "~mine!")
      assert.strictEqual(answer.status, 202)
    })
  )

  it.effect("keeps header values that are not ASCII", () =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const head = "POST /async-function/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-City: "
      yield* RawClient.roundTrip(gateway.port, Buffer.from(`${head}é 日本\r\n\r\n`, "utf8"))
      const [call] = yield* gateway.calls
      assert.deepEqual(call?.header["X-City"], ["é 日本"])
    })
  )

  it.effect("keeps path and query byte for byte", () =>
    Effect.gen(function* () {
      const gateway = yield* start()
      const url = "/async-function/echo//a/../b%2Fc;d='%c3%A9|^?x=%20+&&y=?{}\""
      yield* RawClient.roundTrip(gateway.port, `POST ${url} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      const [call] = yield* gateway.calls
      assert.deepInclude(call, { path: "//a/../b%2Fc;d='%c3%A9|^", queryString: 'x=%20+&&y=?{}"' })
    })
  )

  it.effect("is answered only when it is confirmed", () =>
    Effect.gen(function* () {
      const publishing = yield* Deferred.make<void>()
      const confirm = yield* Deferred.make<void>()
      const publish = Effect.andThen(Deferred.succeed(publishing, undefined), Deferred.await(confirm))
      const gateway = yield* start({ publish })
      const client = yield* RawClient.open(gateway.port)
      client.write("POST /async-function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
      yield* Deferred.await(publishing)
      // A second exchange with the same server: an early answer to the first would have arrived before.
      yield* gateway.send("/no-such-route")
      assert.strictEqual(client.socket.bytesRead, 0)
      yield* Deferred.succeed(confirm, undefined)
      assert.include(yield* client.until("\r\n\r\n"), "HTTP/1.1 202 ")
    })
  )

  it.effect("is given up when its client goes away", () =>
    Effect.gen(function* () {
      const publishing = yield* Deferred.make<void>()
      const interrupted = yield* Deferred.make<void>()
      const publish = Deferred.succeed(publishing, undefined).pipe(
        Effect.andThen(Effect.never),
        Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
      )
      const gateway = yield* start({ publish })
      const client = yield* RawClient.open(gateway.port)
      client.write("POST /async-function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
      yield* Deferred.await(publishing)
      client.abort()
      yield* Deferred.await(interrupted)
      assert.lengthOf(gateway.stored, 0)
    })
  )

  it.effect("is taken although its function cannot be looked up", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ find: () => ({ _tag: "Unavailable", detail: "the provider is away" }) })
      const answer = yield* gateway.send("/async-function/echo")
      assert.strictEqual(answer.status, 202)
      const [call] = yield* gateway.calls
      assert.deepEqual(call?.annotations, {})
    })
  )
})

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
    ["queue-full", 503, "queue-full", "was not stored"],
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
      assert.strictEqual(answer.headers["retry-after"], status === 503 ? "1" : undefined)
    })
  )
})

const limitOf = ({ detail }: { detail: string }) => Number(/body may have (\d+) bytes/.exec(detail)?.[1])

const expecting = (length: number) =>
  `POST /async-function/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`

describe("a call that would be too large for the server", () => {
  const maxMessageBytes = 10_000

  it.effect("is stored up to the last byte that fits", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ maxMessageBytes })
      const send = (size: number) => gateway.send("/async-function/echo", { body: Buffer.alloc(size) })
      const limit = limitOf(problemOf(yield* send(9_000)))
      assert.strictEqual((yield* send(limit)).status, 202)
      assert.isAtMost(gateway.stored[0]?.message.length ?? Infinity, maxMessageBytes)
      assert.strictEqual((yield* send(limit + 1)).status, 413)
      assert.lengthOf(gateway.stored, 1)
    })
  )

  it.effect("is refused at once when its declared length says so", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ maxMessageBytes })
      const client = yield* RawClient.open(gateway.port)
      client.write("POST /async-function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n")
      assert.include(yield* client.until("}"), "HTTP/1.1 413 ")
    })
  )

  it.effect("is refused while its chunks arrive, as soon as they are too many", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ maxMessageBytes })
      const client = yield* RawClient.open(gateway.port)
      client.write("POST /async-function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      const chunk = `1000\r\n${"x".repeat(0x1000)}\r\n`
      client.write(chunk)
      client.write(chunk)
      assert.include(yield* client.until("}"), "HTTP/1.1 413 ")
    })
  )

  it.effect("does not cost the connection: the next request on it is answered", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ maxMessageBytes })
      const client = yield* RawClient.open(gateway.port)
      client.write("POST /async-function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      client.write(`2001\r\n${"x".repeat(0x2001)}\r\n`)
      yield* client.until(" 413 ")
      client.write(`9\r\n${"x".repeat(9)}\r\n0\r\n\r\n`)
      client.write("POST /async-function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")
      yield* client.until(" 202 ")
    })
  )

  it.effect("is refused before its body when the client waits for that", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ maxMessageBytes })
      const client = yield* RawClient.open(gateway.port)
      client.write(expecting(9000))
      const refused = yield* client.until("}")
      assert.include(refused, " 413 ")
      assert.notInclude(refused, " 100 ")
      const other = yield* RawClient.open(gateway.port)
      other.write(expecting(5))
      assert.match(yield* other.until(" 100 Continue\r\n\r\n"), /^HTTP\/1\.1 100/)
      other.write("hello")
      yield* other.until(" 202 ")
    })
  )

  it.effect("is refused for its headers alone", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ maxMessageBytes: 1000 })
      const answer = yield* gateway.send("/async-function/echo", { headers: { "x-large": "x".repeat(2000) } })
      assert.strictEqual(answer.status, 413)
      assert.include(problemOf(answer).detail, "the headers alone are more")
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
