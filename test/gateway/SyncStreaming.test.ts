import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { before, streaming } from "./OddFunctions.ts"
import * as RawClient from "./RawClient.ts"

const echo = Effect.gen(function* () {
  const fn = yield* HttpFunction.start()
  const gateway = yield* before(fn.url)
  return { fn, gateway }
})

describe("bodies stream through the gateway", () => {
  it.effect("each part at once, both ways", () =>
    Effect.gen(function* () {
      const url = yield* streaming((request, response) => {
        request.on("data", (part) => response.write(`<${part}>`)).on("end", () => response.end("!"))
      })
      const gateway = yield* before(url)
      const client = yield* RawClient.open(gateway.port)
      client.write(
        "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
      )
      yield* client.until("<one>")
      client.write("3\r\ntwo\r\n")
      yield* client.until("<two>")
      client.write("0\r\n\r\n")
      yield* client.until("!\r\n0\r\n\r\n")
    })
  )

  it.effect("and the headers before them", () =>
    Effect.gen(function* () {
      const seen = yield* Deferred.make<void>()
      const url = yield* streaming((_, response) => {
        response.writeHead(200, { "X-Early": "yes" }).flushHeaders()
        Effect.runFork(
          Effect.andThen(
            Deferred.await(seen),
            Effect.sync(() => response.end("late"))
          )
        )
      })
      const gateway = yield* before(url)
      const client = yield* RawClient.open(gateway.port)
      client.write("GET /function/echo HTTP/1.1\r\nHost: a\r\n\r\n")
      assert.include(yield* client.until("\r\n\r\n"), "X-Early: yes")
      yield* Deferred.succeed(seen, undefined)
      yield* client.until("late")
    })
  )

  it.effect("and are as long as they like: a slow reader slows the function down", () =>
    Effect.gen(function* () {
      const size = 64 * 1024 * 1024
      const block = Buffer.alloc(1024 * 1024, "x")
      let written = 0
      const stalled = yield* Deferred.make<void>()
      const url = yield* streaming((_, response) => {
        const more = () => {
          while (written < size) {
            written += block.length
            if (!response.write(block)) {
              response.once("drain", more)
              return
            }
          }
          response.end()
        }
        more()
        Deferred.doneUnsafe(stalled, Effect.void)
      })
      const gateway = yield* before(url)
      const client = yield* RawClient.open(gateway.port)
      client.socket.pause()
      client.write("GET /function/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      yield* Deferred.await(stalled)
      // Other requests take the gateway's loop around often enough for all to flow that would flow.
      for (let n = 0; n < 50; n++) yield* gateway.send("/no-such-route")
      assert.isBelow(written, size / 2)

      let received = 0
      client.socket.removeAllListeners("data").on("data", (part) => (received += part.length))
      client.socket.resume()
      yield* Effect.callback<void>((resume) => void client.socket.once("close", () => resume(Effect.void)))
      assert.isAbove(received, size)
    })
  )

  it.effect("a large body arrives whole", () =>
    Effect.gen(function* () {
      const body = Buffer.alloc(20_000_000, "0123456789abcdef")
      const { fn, gateway } = yield* echo
      fn.answer(
        (request, response) => void response.end(createHash("sha256").update(request.body).digest("hex"))
      )
      const answer = yield* gateway.send("/function/echo", { body })
      assert.strictEqual(answer.text, createHash("sha256").update(body).digest("hex"))
      assert.strictEqual(fn.requests[0]?.header("content-length"), "20000000")
    })
  )

  it.effect("a client that waits with its body is asked for it", () =>
    Effect.gen(function* () {
      const { fn, gateway } = yield* echo
      const client = yield* RawClient.open(gateway.port)
      client.write(
        "POST /function/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
      )
      yield* client.until(" 100 Continue\r\n\r\n")
      client.write("ok")
      yield* client.until(" 200 OK")
      assert.strictEqual(String(fn.requests[0]?.body), "ok")
      assert.isUndefined(fn.requests[0]?.header("expect"))
    })
  )
})
