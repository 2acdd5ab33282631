import type { ServerResponse } from "node:http"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { post, spawnProgram } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const start = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>> = {}) {
  const nats = yield* startNats()
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  const settings = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...environment }
  const worker = yield* spawnProgram(["worker"], settings)
  yield* worker.log.line("stream created")
  const stranger = yield* Stranger.meet(nats.url)
  return { fn, receiver, worker, stranger, settings }
})

it.live("with debug a finished call gives one line that says which, where, how often, how and how long", () =>
  Effect.gen(function* () {
    const { fn, stranger, worker } = yield* start({ debug: "true" })
    fn.answer((_, response) => void response.writeHead(fn.requests.length === 1 ? 500 : 202).end())
    yield* stranger.publish("echo", {
      Method: "POST",
      Function: "echo",
      Header: { "X-Call-Id": ["call-7"] }
    })
    yield* stranger.acked(1)
    yield* worker.end("SIGTERM")
    const ofTheCall = worker.log.lines.filter(({ fields }) => fields["call_id"] === "call-7")
    expect(ofTheCall).toEqual([
      {
        level: "info",
        message: "retry",
        fields: expect.objectContaining({ function: "echo.openfaas-fn", attempt: 1, status: 500 })
      },
      {
        level: "debug",
        message: "invoked",
        fields: {
          call_id: "call-7",
          function: "echo.openfaas-fn",
          sequence: 1,
          attempt: 2,
          status: 202,
          duration: expect.any(Number)
        }
      }
    ])
  })
)

it.live("without debug a call that ends well is not logged", () =>
  Effect.gen(function* () {
    const { stranger, worker } = yield* start()
    yield* stranger.publish("echo", { Method: "POST", Function: "echo" })
    yield* stranger.acked(1)
    yield* worker.end("SIGTERM")
    expect(worker.log.lines.filter(({ fields }) => "function" in fields)).toEqual([])
  })
)

/** What no log may hold; it goes into every body and header value. */
const marker = "f00dcafe-of-the-caller"

/** What the function of each name does; all have said the marker already, in a header. */
const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  good: (response) => void response.end(marker),
  refusing: (response) => void response.writeHead(400, `No ${marker}`).end(marker),
  failing: (response) => void response.writeHead(500).end(marker),
  silent: () => {},
  breaking: (response) => void response.write(marker, () => response.destroy()),
  garbled: (response) => void response.socket?.end(`${marker}\r\n\r\n`),
  redirecting: (response) => void response.writeHead(302, { Location: `/${marker}` }).end()
}

/** Every header is of the caller's own making, those with a meaning too. */
const headers = {
  "X-Thing": marker,
  Authorization: `Bearer ${marker}`,
  Cookie: `session=${marker}`,
  "Content-Type": `text/${marker}`
}

it.live("whatever happens to calls, no log line holds a body or a header's value", () =>
  Effect.gen(function* () {
    const { fn, receiver, worker, stranger, settings } = yield* start({
      debug: "true",
      max_retry_attempts: "1",
      callback_retry_attempts: "0",
      upstream_timeout: "300ms"
    })
    const gateway = yield* spawnProgram(["gateway"], settings)
    const port = yield* eventually(
      "the gateway listens",
      () => gateway.log.with("listening").find(({ fields }) => "port" in fields)?.fields["port"] ?? false
    )
    const url = `http://127.0.0.1:${String(port)}`
    fn.answer((request, response) => {
      const name = /^\/([a-z]+)/.exec(request.url)?.[1] ?? ""
      const reply = answers[name] ?? answers["good"]
      reply?.(response.setHeader("X-Answer", marker))
    })
    receiver.answer((request, response) => {
      response.writeHead(request.url.startsWith("/refuses") ? 400 : 200, { "X-Receipt": marker }).end(marker)
    })

    // Through the gateway: every way a call can end, and every way it can be refused.
    const send = (path: string, more: Record<string, string> = {}) =>
      post(`${url}${path}`, { body: marker, headers: { ...headers, ...more } })
    const names = Object.keys(answers)
    for (const name of names) {
      const accepted = yield* send(`/async-function/${name}`, {
        "X-Callback-Url": `${receiver.url}/${name === "good" ? "takes" : "refuses"}/${marker}`
      })
      expect(accepted.status).toBe(202)
      // Its answer may break off.
      yield* Effect.exit(send(`/function/${name}`))
    }
    for (const [name, value] of [
      ["X-Call-Id", `${marker} ${marker}`],
      ["X-Callback-Url", `mailto:${marker}`]
    ] as const) {
      expect((yield* send("/async-function/good", { [name]: value })).status).toBe(400)
    }
    const tooLarge = { body: marker.repeat(100_000), headers: { "X-Thing": marker } }
    expect((yield* post(`${url}/async-function/good`, tooLarge)).status).toBe(413)

    // By raw publish: every message that is wrong.
    const base64 = Buffer.from(marker).toString("base64")
    const good = { Method: "POST", Function: "good", Header: { "X-Thing": [marker] }, Body: base64 }
    const wrong = [
      marker,
      `{"Body":"${marker}"`,
      { ...good, Body: marker },
      { ...good, Header: { "X-Thing": marker } },
      { ...good, Header: { "X-Thing": [`${marker}\n${marker}`] } },
      { ...good, Function: "other" },
      { ...good, CallbackUrl: marker },
      { ...good, CallbackUrl: { Scheme: "mailto", Opaque: marker } },
      { ...good, CallbackUrl: [marker] }
    ]
    for (const message of wrong) yield* stranger.publish("good", message)
    // Too large for a dead letter beside its headers: it is kept in parts.
    yield* stranger.publish("good", marker.repeat(1024 * 1024).slice(0, 1024 * 1024))
    yield* stranger.acked(names.length + wrong.length + 1)
    yield* worker.log.line("callback not delivered")

    yield* gateway.end("SIGTERM")
    yield* worker.end("SIGTERM")
    const lines = [...gateway.log.lines, ...worker.log.lines].map((line) => JSON.stringify(line))
    expect(lines.length).toBeGreaterThan(names.length + wrong.length)
    expect(lines.filter((line) => line.includes(marker) || line.includes(base64))).toEqual([])
  })
)
