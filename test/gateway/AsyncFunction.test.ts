import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as RawClient from "./RawClient.ts"
import { bare, found, start } from "./TestGateway.ts"

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

  it.effect.each([
    { annotation: "slow-jobs", queue: "slow-jobs" },
    { annotation: "", queue: "faas-request" }
  ])("goes to the queue that its function names: $annotation is $queue", ({ annotation, queue }) =>
    Effect.gen(function* () {
      const gateway = yield* start({
        find: (fn) => found(fn, { annotations: { "com.openfaas.queue": annotation } })
      })
      yield* gateway.send("/async-function/echo")
      assert.deepEqual(
        gateway.stored.map((stored) => stored.queue),
        [queue]
      )
      const [call] = yield* gateway.calls
      assert.strictEqual(call?.queueName, queue)
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
      const gateway = yield* start({ find: (fn) => ({ _tag: "Unavailable", spec: bare(fn) }) })
      const answer = yield* gateway.send("/async-function/echo")
      assert.strictEqual(answer.status, 202)
      const [call] = yield* gateway.calls
      assert.deepEqual(call?.annotations, {})
    })
  )
})
