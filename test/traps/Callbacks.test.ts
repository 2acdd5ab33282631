import { readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { expect, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as CallbackMessage from "../../src/domain/CallbackMessage.ts"
import { eventually } from "../support/Eventually.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const start = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>> = {}) {
  const nats = yield* startNats()
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  yield* startWorker({ NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...environment })
  const stranger = yield* Stranger.meet(nats.url)
  return { fn, receiver, stranger }
})

const call = { Method: "POST", Function: "echo", Header: { "X-Call-Id": ["call-7"] } }

/** What is known of a call whose callback can go nowhere: it ran once, is settled, and was kept as it was. */
const expectUndeliverable = Effect.fnUntraced(function* (
  { fn, stranger }: Effect.Success<ReturnType<typeof start>>,
  message: object
) {
  const sequence = yield* stranger.publish("echo", message)
  yield* stranger.acked(1)
  yield* stranger.allFinished
  expect(fn.requests).toHaveLength(1)
  expect(stranger.settlements).toMatchObject([{ kind: "ack", sequence }])
  const [dead, ...others] = yield* stranger.deadLetters
  expect(others).toEqual([])
  expect(dead?.message.toString()).toBe(JSON.stringify(message))
  expect(dead?.headers).toMatchObject({
    "Sluice-Reason": "callback-undeliverable",
    "Sluice-Function": "echo.openfaas-fn",
    "Nats-Msg-Id": expect.stringMatching(new RegExp(`^callback-[0-9a-z]+-${sequence}$`))
  })
  return dead?.headers ?? {}
})

/** The same for one whose receiver did not take it: the result was kept, as a callback. */
const expectUndelivered = Effect.fnUntraced(function* (
  { fn, stranger }: Effect.Success<ReturnType<typeof start>>,
  url: string
) {
  fn.answer((_, response) => void response.end("the result"))
  const sequence = yield* stranger.publish("echo", { ...call, CallbackUrl: url })
  yield* stranger.acked(1)
  const [dead, ...others] = yield* eventually(
    "the callback is a dead letter",
    Effect.filterOrFail(stranger.deadLetters, (letters) => letters.length > 0)
  )
  yield* eventually(
    "the callback has left its queue",
    Effect.map(stranger.waitingCallbacks, (count) => count === 0)
  )
  expect(others).toEqual([])
  expect(fn.requests).toHaveLength(1)
  expect(stranger.settlements).toMatchObject([{ kind: "ack", sequence }])
  const message = Result.getOrThrow(CallbackMessage.decode(dead?.message ?? Buffer.alloc(0)))
  expect(message).toMatchObject({
    url,
    callId: "call-7",
    functionName: "echo.openfaas-fn",
    status: 200,
    sequence
  })
  expect("body" in message && message.body.toString()).toBe("the result")
  expect(dead?.subject).toBe(`faas-request_dead.echo.openfaas-fn.${dead?.headers["Nats-Msg-Id"]}`)
  expect(dead?.headers).toMatchObject({
    "Sluice-Kind": "callback",
    "Sluice-Reason": "callback-undeliverable",
    "Sluice-Call-Id": "call-7",
    "Sluice-Stream": "OF_faas-request_callbacks"
  })
  return dead?.headers ?? {}
})

it.live("a result whose receiver is down is a dead letter, and its call is not executed again", () =>
  Effect.gen(function* () {
    const parts = yield* start({ callback_retry_attempts: "1" })
    const headers = yield* expectUndelivered(parts, "http://127.0.0.1:1/done")
    expect(headers["Sluice-Detail"]).toContain("ECONNREFUSED")
    expect(headers["Sluice-Attempts"]).toBe("2")
  })
)

it.live.each([
  { status: 503, tries: 3 },
  { status: 429, tries: 3 },
  { status: 400, tries: 3 },
  { status: 302, tries: 3 },
  { status: 410, tries: 1 }
])(
  "a result whose receiver always answers $status is a dead letter after $tries tries",
  ({ status, tries }) =>
    Effect.gen(function* () {
      const parts = yield* start({ callback_retry_attempts: "2" })
      parts.receiver.answer(
        (_, response) => void response.writeHead(status, { Location: "/elsewhere" }).end()
      )
      const headers = yield* expectUndelivered(parts, `${parts.receiver.url}/done`)
      expect(headers["Sluice-Last-Status"]).toBe(String(status))
      expect(parts.receiver.requests.map(({ url }) => url)).toEqual(Array(tries).fill("/done"))
    })
)

it.live("a receiver that is down for a moment gets the result once", () =>
  Effect.gen(function* () {
    const { fn, receiver, stranger } = yield* start()
    fn.answer((_, response) => void response.end("the result"))
    receiver.answer((_, response) => {
      if (receiver.requests.length === 1) response.destroy()
      else response.end()
    })
    yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
    yield* stranger.acked(1)
    yield* receiver.received(2)
    expect(receiver.requests.map(({ body }) => body.toString())).toEqual(["the result", "the result"])
    expect(fn.requests).toHaveLength(1)
    expect(yield* stranger.deadLetters).toEqual([])
  })
)

it.live("a call that fails for ever and whose receiver is down leaves both dead letters", () =>
  Effect.gen(function* () {
    const { fn, stranger } = yield* start({ max_retry_attempts: "0", callback_retry_attempts: "0" })
    fn.answer((_, response) => void response.writeHead(500).end())
    yield* stranger.publish("echo", { ...call, CallbackUrl: "http://127.0.0.1:1/done" })
    yield* stranger.acked(1)
    const letters = yield* eventually(
      "both are dead letters",
      Effect.filterOrFail(stranger.deadLetters, (letters) => letters.length === 2)
    )
    expect(letters.map(({ headers }) => headers["Sluice-Reason"])).toEqual([
      "exhausted",
      "callback-undeliverable"
    ])
  })
)

const recorded: ReadonlyArray<{ readonly name: string; readonly raw: string }> = JSON.parse(
  readFileSync(new URL("../fixtures/queue-requests.json", import.meta.url), "utf8")
)
const recordedUrl = (name: string): unknown =>
  JSON.parse(recorded.find((fixture) => fixture.name === name)?.raw ?? "").CallbackUrl

it.live.each([
  { name: "relative", url: recordedUrl("callback-relative") },
  { name: "opaque", url: recordedUrl("callback-opaque") },
  { name: "empty", url: {} },
  { name: "relative text", url: "/done" },
  { name: "not a URL", url: "who knows" },
  { name: "of another scheme", url: "ftp://127.0.0.1/done" },
  { name: "one with credentials", url: "http://user:secret@127.0.0.1:1/done" },
  { name: "one with an impossible port", url: "http://127.0.0.1:99999/done" }
])("with a callback URL that is $name the call runs, and its callback is a dead letter", ({ url }) =>
  Effect.gen(function* () {
    const parts = yield* start()
    const headers = yield* expectUndeliverable(parts, { ...call, CallbackUrl: url })
    expect(headers["Sluice-Detail"]).not.toContain("secret")
  })
)

it.live("a receiver gets the function's headers, each with all its values, and the bytes of its body", () =>
  Effect.gen(function* () {
    const { fn, receiver, stranger } = yield* start()
    const body = gzipSync(Buffer.from(Array.from({ length: 4096 }, (_, at) => at % 256)))
    fn.answer((_, response) => {
      response
        .writeHead(201, {
          "Content-Type": "application/x-thing; v=1",
          "Content-Encoding": "gzip",
          "Set-Cookie": ["a=1; Path=/", "b=2"],
          "X-Thing": "",
          "x-call-id": "of the function",
          "User-Agent": "of the function",
          "X-Function-Status": "of the function"
        })
        .end(body)
    })
    yield* stranger.publish("echo.openfaas-fn", {
      ...call,
      Function: "echo.openfaas-fn",
      Header: { ...call.Header, "X-Start-Time": ["1", "2"], Cookie: ["of the caller"] },
      CallbackUrl: `${receiver.url}/done?a=b`
    })
    const [callback] = yield* receiver.received(1)
    expect(callback).toMatchObject({ method: "POST", url: "/done?a=b" })
    expect(callback?.body.equals(body)).toBe(true)
    const valuesOf = (name: string) =>
      callback?.rawHeaders.filter((_, at, all) => at % 2 === 1 && all[at - 1]?.toLowerCase() === name)
    expect(valuesOf("content-type")).toEqual(["application/x-thing; v=1"])
    expect(valuesOf("content-encoding")).toEqual(["gzip"])
    expect(valuesOf("content-length")).toEqual([String(body.length)])
    expect(valuesOf("set-cookie")).toEqual(["a=1; Path=/", "b=2"])
    expect(valuesOf("x-thing")).toEqual([""])
    expect(valuesOf("x-start-time")).toEqual(["1", "2"])
    expect(valuesOf("x-call-id")).toEqual(["call-7"])
    expect(valuesOf("x-function-name")).toEqual(["echo.openfaas-fn"])
    expect(valuesOf("x-function-status")).toEqual(["201"])
    expect(valuesOf("user-agent")).toEqual([expect.stringMatching(/^sluice\/\d/)])
    expect(valuesOf("cookie")).toEqual([])
  })
)
