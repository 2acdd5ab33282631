import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as RawClient from "./RawClient.ts"
import { problemOf, start } from "./TestGateway.ts"

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
