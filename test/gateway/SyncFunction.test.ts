import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as RawClient from "./RawClient.ts"
import { found, problemOf, start, type Options } from "./TestGateway.ts"

/** A gateway whose only function is at that URL. */
const before = (url: string, options: Options = {}) => start({ find: (fn) => found(fn, { url }), ...options })

const echo = Effect.gen(function* () {
  const fn = yield* HttpFunction.start()
  const gateway = yield* before(fn.url)
  return { fn, gateway }
})

/** A function that sees requests before their bodies have come. */
const streaming = (handler: (request: IncomingMessage, response: ServerResponse) => void) =>
  listening(createServer(handler), (server) => server.closeAllConnections())

/** A function that does not speak HTTP well. */
const speaking = (handler: (socket: Socket) => void) => {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on("error", () => {}))
    handler(socket)
  })
  return listening(server, () => sockets.forEach((socket) => socket.destroy()))
}

const listening = <S extends ReturnType<typeof createTcpServer>>(server: S, cut: (server: S) => void) =>
  Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
      )
    }),
    () =>
      Effect.sync(() => {
        server.close()
        cut(server)
      })
  )

describe("a synchronous call", () => {
  it.effect.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"] as const)(
    "may be a %s",
    (method) =>
      Effect.gen(function* () {
        const { fn, gateway } = yield* echo
        fn.answer(
          (request, response) => void response.writeHead(299, { "X-Method": request.method }).end("done")
        )
        const answer = yield* gateway.send("/function/echo", { method })
        assert.deepInclude(answer, { status: 299, text: "done" })
        assert.strictEqual(answer.headers["x-method"], method)
      })
  )

  it.effect("carries path, query and body byte for byte", () =>
    Effect.gen(function* () {
      const fn = yield* HttpFunction.start()
      const gateway = yield* before(`${fn.url}/base/x`)
      fn.answer((request, response) => void response.end(request.body))
      const path = "//a/../b%2Fc;d='%c3%A9|^?x=%20+&&y=?{}\""
      const head = `POST /function/echo${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n`
      const answer = yield* RawClient.roundTrip(
        gateway.port,
        Buffer.concat([Buffer.from(head), Buffer.from([0, 0xff, 0xfe, 10])])
      )
      assert.strictEqual(fn.requests[0]?.url, `/base/x${path}`)
      assert.isTrue(answer.endsWith("\x00\xff\xfe\n"))
      yield* gateway.send("/function/echo?only=query")
      assert.strictEqual(fn.requests[1]?.url, "/base/x/?only=query")
    })
  )

  it.effect("carries headers both ways, also those that are not ASCII and those that repeat", () =>
    Effect.gen(function* () {
      const latin1 = Buffer.from("é 日本", "utf8").toString("latin1")
      const { fn, gateway } = yield* echo
      fn.answer((_, response) => {
        response.writeHead(200, [
          "X-City",
          latin1,
          "Set-Cookie",
          "a=1",
          "Set-Cookie",
          "b=2",
          "Content-Encoding",
          "x"
        ])
        response.end()
      })
      const head = "GET /function/echo HTTP/1.1\r\nHost: gateway:8080\r\nConnection: close\r\n"
      const answer = yield* RawClient.roundTrip(
        gateway.port,
        Buffer.from(`${head}X-City: é 日本\r\nX-Many: 1\r\nX-Many: 2\r\nAccept-Encoding: br\r\n\r\n`)
      )
      const [request] = yield* fn.received(1)
      const sent = [...(request?.rawHeaders ?? [])]
      assert.includeMembers(sent, [latin1, "1", "2", "br"])
      assert.strictEqual(request?.header("host"), new URL(fn.url).host)
      for (const line of [`X-City: ${latin1}`, "Set-Cookie: a=1", "Set-Cookie: b=2", "Content-Encoding: x"]) {
        assert.include(answer, `${line}\r\n`)
      }
    })
  )

  it.effect("keeps headers of a connection to that connection", () =>
    Effect.gen(function* () {
      const url = yield* speaking((socket) =>
        socket.once("data", (request) => {
          heard = String(request)
          const head = "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=77\r\n"
          socket.end(`${head}Proxy-Authenticate: Basic\r\nX-End: 2\r\nContent-Length: 2\r\n\r\nok`)
        })
      )
      let heard = ""
      const gateway = yield* before(url)
      const answer = yield* RawClient.roundTrip(
        gateway.port,
        [
          "POST /function/echo HTTP/1.1",
          "Host: a",
          "Connection: close, X-Mine",
          "X-Mine: 1",
          "Proxy-Authorization: Basic eDp5",
          "TE: trailers",
          "X-End: 2",
          "Content-Length: 0",
          "",
          ""
        ].join("\r\n")
      )
      assert.match(heard, /\r\nX-End: 2\r\n/i)
      assert.notMatch(heard, /X-Mine|Proxy-Authorization|\r\nTE:/i)
      assert.match(answer, /\r\nX-End: 2\r\n/i)
      assert.notMatch(answer, /X-Hop|timeout=77|Proxy-Authenticate/i)
    })
  )

  it.effect("tells the function its id and where it came from", () =>
    Effect.gen(function* () {
      const { fn, gateway } = yield* echo
      const answer = yield* gateway.send("/function/echo", { headers: { host: "gateway:8080" } })
      const headers = { "x-call-id": "mine", "x-forwarded-for": "10.1.2.3", "x-forwarded-host": "outside" }
      const second = yield* gateway.send("/function/echo", { headers })
      const [made, given] = yield* fn.received(2)
      assert.strictEqual(made?.header("x-call-id"), answer.headers["x-call-id"])
      assert.strictEqual(made?.header("x-forwarded-for"), "127.0.0.1")
      assert.strictEqual(made?.header("x-forwarded-host"), "gateway:8080")
      assert.strictEqual(second.headers["x-call-id"], "mine")
      assert.strictEqual(given?.header("x-call-id"), "mine")
      assert.strictEqual(given?.header("x-forwarded-for"), "10.1.2.3, 127.0.0.1")
      assert.strictEqual(given?.header("x-forwarded-host"), "outside")
    })
  )

  it.effect("may be answered with 204, with a redirect that is not followed, and to HEAD with a length", () =>
    Effect.gen(function* () {
      const { fn, gateway } = yield* echo
      fn.answer((_, response) => void response.writeHead(204).end())
      assert.deepInclude(yield* gateway.send("/function/echo"), { status: 204, text: "" })
      fn.answer((_, response) => void response.writeHead(302, { Location: "/elsewhere" }).end())
      const redirect = yield* gateway.send("/function/echo")
      assert.strictEqual(redirect.status, 302)
      assert.strictEqual(redirect.headers["location"], "/elsewhere")
      fn.answer((_, response) => void response.writeHead(200, { "Content-Length": 5 }).end())
      const head = yield* gateway.send("/function/echo", { method: "HEAD" })
      assert.strictEqual(head.headers["content-length"], "5")
      assert.lengthOf(fn.requests, 3)
    })
  )

  it.effect("keeps the function's own status, also when it is an error", () =>
    Effect.gen(function* () {
      const { fn, gateway } = yield* echo
      fn.answer((_, response) => void response.writeHead(503, { "Retry-After": "9" }).end("busy"))
      const answer = yield* gateway.send("/function/echo")
      assert.deepInclude(answer, { status: 503, text: "busy" })
      assert.strictEqual(answer.headers["retry-after"], "9")
    })
  )
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

describe("a synchronous call fails", () => {
  it.effect("404 when its function is unknown, 503 when that cannot be found out", () =>
    Effect.gen(function* () {
      const unknown = yield* start({ find: () => ({ _tag: "Unknown" }) })
      assert.strictEqual(problemOf(yield* unknown.send("/function/nope")).status, 404)
      const unavailable = yield* start({ find: () => ({ _tag: "Unavailable", detail: "it is away" }) })
      const answer = yield* unavailable.send("/function/echo")
      assert.strictEqual(problemOf(answer).status, 503)
      assert.strictEqual(answer.headers["retry-after"], "1")
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
