import { readFileSync } from "node:fs"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

interface Fixture {
  readonly name: string
  readonly raw: string
}

const fixtures: ReadonlyArray<Fixture> = JSON.parse(
  readFileSync(new URL("../fixtures/queue-requests.json", import.meta.url), "utf8")
)

/** Written by the HTTP client itself. */
const ofTheConnection = new Set(["host", "connection", "content-length"])

const passedOn = (rawHeaders: ReadonlyArray<string>) => {
  const pairs: Array<[string, string]> = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2)
    if (!ofTheConnection.has(name.toLowerCase())) pairs.push([name, value])
  }
  return pairs
}

const headerBytes = (request: HttpFunction.ReceivedRequest | undefined, name: string) =>
  Buffer.from(request?.header(name) ?? "", "latin1")

const start = Effect.gen(function* () {
  const nats = yield* startNats()
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}.{namespace}` }
  const worker = yield* startWorker(environment)
  const stranger = yield* Stranger.meet(nats.url)
  return { fn, receiver, environment, worker, stranger }
})

it.live.each(fixtures)(
  "the real message $name is executed with its method, path, query, headers and body",
  ({ raw }) =>
    Effect.gen(function* () {
      const { fn, receiver, stranger } = yield* start
      const message = JSON.parse(raw)
      const [name, namespace = "openfaas-fn"] = message.Function.split(".")
      // Nothing but the receiver's place is not as it was recorded.
      const here = new URL(receiver.url).host
      const sent = raw
        .replace('"Scheme":"https"', '"Scheme":"http"')
        .replace(/"Host":"(?:receiver\.default:8080|hooks\.example\.com)"/, `"Host":"${here}"`)
      yield* stranger.publish(`${name}.${namespace}`, sent)

      const [request] = yield* fn.received(1)
      const query = message.QueryString === undefined ? "" : `?${message.QueryString}`
      expect(request?.method).toBe(message.Method)
      expect(request?.url).toBe(`/${name}.${namespace}${message.Path ?? "/"}${query}`)
      expect(request?.body).toEqual(Buffer.from(message.Body ?? "", "base64"))
      const headers = Object.entries<ReadonlyArray<string>>(message.Header ?? {})
      expect(passedOn(request?.rawHeaders ?? [])).toEqual(
        headers.flatMap(([header, values]) => values.map((value) => [header, value]))
      )
      expect(request?.header("Content-Length")).toBe(String(request?.body.length))
      yield* stranger.acked(1)
      yield* stranger.allFinished
    })
)

it.live.each([
  { name: "typical", url: "/done?job=7" },
  { name: "callback-escaped-path", url: "/a%2Fb/c%20d?e=f%26g" }
])("the callback of the real message $name goes to its path as written", ({ name, url }) =>
  Effect.gen(function* () {
    const { receiver, stranger } = yield* start
    const message = JSON.parse(fixtures.find((fixture) => fixture.name === name)?.raw ?? "")
    const callbackUrl = { ...message.CallbackUrl, Scheme: "http", Host: new URL(receiver.url).host }
    yield* stranger.publish(message.Function, { ...message, CallbackUrl: callbackUrl })
    const [callback] = yield* receiver.received(1)
    expect(callback).toMatchObject({ method: "POST", url })
    expect(callback?.header("X-Function-Name")).toBe(message.Function)
  })
)

it.live.each([
  { way: "through the gateway", text: "é 日本 🙂", bytes: Buffer.from("é 日本 🙂", "utf8") },
  { way: "by raw publish", text: "é 日本 🙂", bytes: Buffer.from("é 日本 🙂", "utf8") },
  { way: "through the gateway", text: "a byte that is no UTF-8", bytes: Buffer.from([0x63, 0xe9, 0x21]) }
])("$text in headers $way reaches the function and the callback as the same bytes", ({ way, bytes, text }) =>
  Effect.gen(function* () {
    const { fn, receiver, environment, stranger } = yield* start
    fn.answer((request, response) => {
      response.writeHead(200, { "X-Answer": request.header("X-Question") ?? "" }).end(Buffer.from("done"))
    })
    if (way === "by raw publish") {
      yield* stranger.publish("echo", {
        Header: { "X-Question": [text] },
        Method: "POST",
        Function: "echo",
        CallbackUrl: receiver.url
      })
    } else {
      const gateway = yield* startGateway(environment)
      const accepted = yield* post(`${gateway.url}/async-function/echo`, {
        headers: { "X-Question": bytes.toString("latin1"), "X-Callback-Url": receiver.url }
      })
      expect(accepted.status).toBe(202)
    }
    const [request] = yield* fn.received(1)
    expect(headerBytes(request, "X-Question")).toEqual(bytes)
    const [callback] = yield* receiver.received(1)
    expect(headerBytes(callback, "X-Answer")).toEqual(bytes)
  })
)

it.live("a header that HTTP cannot carry is left out with a warning and does not cost the call", () =>
  Effect.gen(function* () {
    const { fn, stranger, worker } = yield* start
    yield* stranger.publish("echo", {
      Header: {
        "X-Good": ["1"],
        "X-Lines": ["one\r\nX-Smuggled: two", "three"],
        "X-Zero": ["\u0000"],
        "X-Half": ["\ud83d"],
        "Not A Name": ["4"]
      },
      Method: "POST",
      Function: "echo",
      Body: Buffer.from("work").toString("base64")
    })
    const [request] = yield* fn.received(1)
    expect(request?.body.toString()).toBe("work")
    expect(passedOn(request?.rawHeaders ?? [])).toEqual([
      ["X-Good", "1"],
      ["X-Lines", "three"]
    ])
    const warning = yield* worker.log.line("headers that HTTP cannot carry")
    expect(warning).toMatchObject({
      level: "Warn",
      fields: { function: "echo.openfaas-fn", dropped_headers: "X-Lines,X-Zero,X-Half,Not A Name" }
    })
    yield* stranger.acked(1)
  })
)

it.live("a call id that HTTP cannot carry costs neither the call nor its callback", () =>
  Effect.gen(function* () {
    const { fn, receiver, stranger } = yield* start
    yield* stranger.publish("echo", {
      Header: { "X-Call-Id": ["one\ntwo"] },
      Method: "POST",
      Function: "echo",
      CallbackUrl: receiver.url
    })
    yield* stranger.acked(1)
    expect(fn.requests.map((request) => request.header("X-Call-Id"))).toEqual([undefined])
    const [callback] = yield* receiver.received(1)
    expect(callback?.header("X-Function-Status")).toBe("200")
    expect(yield* stranger.deadLetters).toEqual([])
  })
)

it.live("a message of another method is sent with it, and a method that is none is not sent", () =>
  Effect.gen(function* () {
    const { fn, stranger } = yield* start
    yield* stranger.publish("echo", { Function: "echo", Method: "NOT A METHOD" })
    yield* stranger.publish("echo", { Function: "echo", Method: "PUT", Body: "aGVsbG8=" })
    yield* stranger.acked(2)
    expect(fn.requests).toMatchObject([{ method: "PUT", body: Buffer.from("hello") }])
    const [dead, ...others] = yield* stranger.deadLetters
    expect(others).toEqual([])
    expect(dead?.headers["Sluice-Reason"]).toBe("undecodable")
  })
)

it.live(
  "headers of a connection, Content-Length and Host are those of each exchange and never passed on",
  () =>
    Effect.gen(function* () {
      const { fn, receiver, stranger } = yield* start
      fn.answer((_, response) => {
        response
          .writeHead(200, {
            Connection: "X-Hop-Back, keep-alive",
            "X-Hop-Back": "1",
            "Transfer-Encoding": "chunked",
            Trailer: "X-Late",
            Upgrade: "h2c",
            "Proxy-Authenticate": "Basic",
            "X-Kept-Back": "1"
          })
          .end("four")
      })
      yield* stranger.publish("echo", {
        Header: {
          Connection: ["X-Hop, close"],
          "X-Hop": ["1"],
          "Keep-Alive": ["timeout=5"],
          "Transfer-Encoding": ["chunked"],
          Upgrade: ["websocket"],
          Expect: ["100-continue"],
          Te: ["trailers"],
          Trailer: ["X-Late"],
          "Proxy-Authorization": ["Basic eDp5"],
          "Proxy-Connection": ["keep-alive"],
          "Content-Length": ["4711"],
          Host: ["of.the.caller"],
          Authorization: ["Bearer kept"],
          "X-Forwarded-For": ["10.0.0.1"]
        },
        Host: "of.the.caller",
        Body: Buffer.from("work").toString("base64"),
        Method: "POST",
        Function: "echo",
        CallbackUrl: receiver.url
      })
      const [request] = yield* fn.received(1)
      expect(passedOn(request?.rawHeaders ?? [])).toEqual([
        ["Authorization", "Bearer kept"],
        ["X-Forwarded-For", "10.0.0.1"]
      ])
      expect(request?.header("Host")).toBe(new URL(fn.url).host)
      expect(request?.header("Content-Length")).toBe("4")

      const [callback] = yield* receiver.received(1)
      expect(callback?.body.toString()).toBe("four")
      expect(callback?.header("X-Kept-Back")).toBe("1")
      const names = new Set(callback?.rawHeaders.filter((_, at) => at % 2 === 0))
      for (const name of ["X-Hop-Back", "Transfer-Encoding", "Trailer", "Upgrade", "Proxy-Authenticate"]) {
        expect(names).not.toContain(name)
      }
      expect(callback?.header("Host")).toBe(new URL(receiver.url).host)
      expect(callback?.header("Content-Length")).toBe("4")
    })
)
