import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { before, speaking } from "./OddFunctions.ts"
import * as RawClient from "./RawClient.ts"

const echo = Effect.gen(function* () {
  const fn = yield* HttpFunction.start()
  const gateway = yield* before(fn.url)
  return { fn, gateway }
})

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
