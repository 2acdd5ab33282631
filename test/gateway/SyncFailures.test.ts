import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { before, speaking, streaming } from "./OddFunctions.ts"
import * as RawClient from "./RawClient.ts"
import { bare, problemOf, start } from "./TestGateway.ts"

describe("a synchronous call fails", () => {
  it.effect(
    "502 when the function hangs up during the upload, and the client can go on with its connection",
    () =>
      Effect.gen(function* () {
        const gateway = yield* before(
          yield* speaking((socket) => socket.once("data", () => socket.destroy()))
        )
        const client = yield* RawClient.open(gateway.port)
        client.write(
          "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
        )
        yield* client.until(" 502 ")
        client.write(`40000\r\n${"x".repeat(0x40000)}\r\n0\r\n\r\n`)
        client.write("GET /no-such-route HTTP/1.1\r\nHost: a\r\n\r\n")
        yield* client.until(" 404 ")
      })
  )

  it.effect("404 when its function is unknown; one that cannot be looked up is called all the same", () =>
    Effect.gen(function* () {
      const unknown = yield* start({ find: () => ({ _tag: "Unknown" }) })
      assert.strictEqual(problemOf(yield* unknown.send("/function/nope")).status, 404)
      const away = yield* start({ find: (fn) => ({ _tag: "Unavailable", spec: bare(fn) }) })
      assert.strictEqual(problemOf(yield* away.send("/function/echo")).status, 502)
    })
  )

  it.effect("502 when nobody listens, and the client can go on with its connection", () =>
    Effect.gen(function* () {
      const gateway = yield* before("http://127.0.0.1:9")
      const client = yield* RawClient.open(gateway.port)
      client.write(
        "POST /function/echo HTTP/1.1\r\nHost: a\r\nX-Call-Id: id-1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
      )
      const answer = yield* client.until("}")
      assert.include(answer, " 502 ")
      assert.include(answer, "urn:sluice:problem:function-unreachable")
      assert.include(answer, '"callId":"id-1"')
      client.write(`40000\r\n${"x".repeat(0x40000)}\r\n0\r\n\r\n`)
      client.write("GET /no-such-route HTTP/1.1\r\nHost: a\r\n\r\n")
      yield* client.until(" 404 ")
    })
  )

  it.effect("502 when the function hangs up or does not speak HTTP", () =>
    Effect.gen(function* () {
      const hangUp = yield* before(yield* speaking((socket) => socket.once("data", () => socket.destroy())))
      assert.strictEqual(problemOf(yield* hangUp.send("/function/echo")).status, 502)
      const garbage = yield* before(yield* speaking((socket) => socket.end("what?\r\n\r\n")))
      assert.strictEqual(problemOf(yield* garbage.send("/function/echo")).status, 502)
    })
  )

  it.effect("504 when the function does not answer in time", () =>
    Effect.gen(function* () {
      const arrived = yield* Deferred.make<void>()
      const gone = yield* Deferred.make<void>()
      const url = yield* streaming((_, response) => {
        response.once("close", () => Deferred.doneUnsafe(gone, Effect.void))
        Deferred.doneUnsafe(arrived, Effect.void)
      })
      const gateway = yield* before(url, { upstreamTimeoutMillis: 90_000 })
      const call = yield* Effect.forkChild(gateway.send("/function/echo"))
      yield* Deferred.await(arrived)
      yield* TestClock.adjust("90 seconds")
      const problem = problemOf(yield* Fiber.join(call))
      assert.strictEqual(problem.status, 504)
      assert.include(problem.detail, "1m30s")
      yield* Deferred.await(gone)
    })
  )

  it.effect("with a broken connection when the function's answer breaks off or takes too long", () =>
    Effect.gen(function* () {
      const half = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
      const get = "GET /function/echo HTTP/1.1\r\nHost: a\r\n\r\n"
      const cut = yield* Deferred.make<void>()
      const breaking = yield* speaking((socket) => {
        socket.once("data", () => socket.write(half))
        Effect.runFork(
          Effect.andThen(
            Deferred.await(cut),
            Effect.sync(() => socket.destroy())
          )
        )
      })
      const broken = yield* RawClient.open((yield* before(breaking)).port)
      broken.write(get)
      yield* broken.until("half")
      yield* Deferred.succeed(cut, undefined)
      assert.isFalse((yield* broken.closed).endsWith("0\r\n\r\n"))

      const stalling = yield* speaking((socket) => socket.once("data", () => socket.write(half)))
      const slow = yield* RawClient.open((yield* before(stalling, { upstreamTimeoutMillis: 1000 })).port)
      slow.write(get)
      yield* slow.until("half")
      yield* TestClock.adjust("1 second")
      assert.isFalse((yield* slow.closed).endsWith("0\r\n\r\n"))
    })
  )

  it.effect("and the function is told when the client goes away", () =>
    Effect.gen(function* () {
      const arrived = yield* Deferred.make<void>()
      const gone = yield* Deferred.make<void>()
      const url = yield* streaming((_, response) => {
        response.once("close", () => Deferred.doneUnsafe(gone, Effect.void))
        Deferred.doneUnsafe(arrived, Effect.void)
      })
      const gateway = yield* before(url)
      const client = yield* RawClient.open(gateway.port)
      client.write("POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
      yield* Deferred.await(arrived)
      client.abort()
      yield* Deferred.await(gone)
    })
  )
})
