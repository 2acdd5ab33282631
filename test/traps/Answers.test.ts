import type { ServerResponse } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

/** One retry, soon, so that the number of attempts tells the verdict. */
const start = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>> = {}) {
  const nats = yield* startNats()
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  yield* startWorker({
    NATS_URL: nats.url,
    function_url: `${fn.url}/{name}`,
    limiter_enabled: "false",
    max_retry_attempts: "1",
    initial_retry_wait: "20ms",
    ...environment
  })
  const stranger = yield* Stranger.meet(nats.url)
  return { fn, receiver, stranger }
})

const call = { Method: "POST", Function: "echo", Header: { "X-Call-Id": ["call-7"] } }

interface Expected {
  readonly status: string
  readonly retried: boolean
}

/** Has one call executed to its end, and checks all that is said about it. */
const check = Effect.fnUntraced(function* (
  { receiver, stranger }: Pick<Effect.Success<ReturnType<typeof start>>, "receiver" | "stranger">,
  { status, retried }: Expected
) {
  yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
  const [callback] = yield* receiver.received(1)
  expect({
    id: callback?.header("X-Call-Id"),
    name: callback?.header("X-Function-Name"),
    status: callback?.header("X-Function-Status"),
    retry: callback?.header("X-Retry"),
    retryMax: callback?.header("X-Retry-Max")
  }).toEqual({ id: "call-7", name: "echo", status, retry: retried ? "1" : "0", retryMax: "1" })
  expect(callback?.header("X-Duration-Seconds")).toMatch(/^\d+\.\d{6}$/)

  yield* stranger.acked(1)
  expect(stranger.settlements.map(({ kind }) => kind)).toEqual(retried ? ["nak", "ack"] : ["ack"])
  const letters = (yield* stranger.deadLetters).map(({ headers }) => ({
    reason: headers["Sluice-Reason"],
    attempts: headers["Sluice-Attempts"],
    status: headers["Sluice-Last-Status"]
  }))
  expect(letters).toEqual(retried ? [{ reason: "exhausted", attempts: "2", status }] : [])
  expect(receiver.requests).toHaveLength(1)
  return callback
})

/** Status and headers of an answer. */
type Row = readonly [number, Record<string, string>?]

const final: ReadonlyArray<Row> = [
  [200],
  [200, { "X-OpenFaaS-Internal": "proxy" }],
  [201],
  [204],
  [301, { Location: "/elsewhere" }],
  [307, { Location: "/elsewhere", "X-OpenFaaS-Internal": "proxy" }],
  [400],
  [401],
  [404],
  [404, { "Retry-After": "1" }],
  [413],
  [501]
]

const retried: ReadonlyArray<Row> = [
  [400, { "X-OpenFaaS-Internal": "proxy" }],
  [501, { "x-openfaas-internal": "" }],
  [408],
  [429],
  [429, { "Retry-After": "0" }],
  [429, { "X-OpenFaaS-Internal": "faas-middleware" }],
  [500],
  [502],
  [503],
  [503, { "Retry-After": "0" }],
  [504]
]

const titleOf = ([status, headers = {}]: Row) => [status, ...Object.keys(headers)].join(" with ")

const table = [
  ...final.map((row) => ({ row, title: titleOf(row), retried: false, verdict: "final" })),
  ...retried.map((row) => ({ row, title: titleOf(row), retried: true, verdict: "retried" }))
]

it.live.each(table)("an answer $title is $verdict", ({ row: [status, headers], retried }) =>
  Effect.gen(function* () {
    const { fn, ...others } = yield* start()
    const body = status === 204 ? "" : "its body"
    fn.answer((_, response) => void response.writeHead(status, headers).end(body))
    const callback = yield* check(others, { status: String(status), retried })
    expect(callback?.body.toString()).toBe(body)
    // A redirect is an answer, not an address.
    expect(fn.requests.map(({ url }) => url)).toEqual(retried ? ["/echo/", "/echo/"] : ["/echo/"])
  })
)

const cutAfter = (response: ServerResponse, part: string) =>
  void response.write(part, () => response.destroy())

const broken: ReadonlyArray<{ name: string; status: string; answer: HttpFunction.Handler }> = [
  {
    name: "breaks off in the middle of a chunked body",
    status: "502",
    answer: (_, response) => cutAfter(response.writeHead(200), "the first chunk")
  },
  {
    name: "has fewer bytes than announced",
    status: "502",
    answer: (_, response) => cutAfter(response.writeHead(200, { "Content-Length": 100 }), "a few")
  },
  {
    name: "is a closed connection",
    status: "503",
    answer: (_, response) => void response.destroy()
  },
  {
    name: "is interim and then a closed connection",
    status: "503",
    answer: (_, response) => response.writeEarlyHints({ link: "</a>" }, () => void response.destroy())
  },
  {
    name: "never begins",
    status: "504",
    answer: () => {}
  },
  {
    name: "begins and never ends",
    status: "504",
    answer: (_, response) => void response.writeHead(200).write("the first chunk")
  }
]

it.live.each(broken)("an answer that $name is retried, and reported as $status", ({ status, answer }) =>
  Effect.gen(function* () {
    const { fn, ...others } = yield* start({ upstream_timeout: status === "504" ? "200ms" : "1m" })
    fn.answer(answer)
    const callback = yield* check(others, { status, retried: true })
    expect(callback?.body).toHaveLength(0)
    expect(fn.requests).toHaveLength(2)
  })
)

it.live("an answer that is no HTTP is retried, and reported as 503", () =>
  Effect.gen(function* () {
    const url = yield* speaksNoHttp
    const parts = yield* start({ function_url: `${url}/{name}` })
    yield* check(parts, { status: "503", retried: true })
  })
)

it.live.each([
  { name: "a refused connection", url: "http://127.0.0.1:1/{name}" },
  { name: "a host without an address", url: "http://no-such-host.invalid/{name}" }
])("$name is retried, and reported as 503", ({ url }) =>
  Effect.gen(function* () {
    const parts = yield* start({ function_url: url })
    yield* check(parts, { status: "503", retried: true })
  })
)

const mebibyte = 1024 * 1024

it.live.each([
  { size: mebibyte, carried: true, note: undefined },
  {
    size: mebibyte + 1,
    carried: false,
    note: "1048577 bytes are more than max_result_bytes (1048576)"
  },
  {
    size: 32 * mebibyte,
    carried: false,
    note: "33554432 bytes are more than max_result_bytes (1048576)"
  }
])("of max_result_bytes 1048576, an answer of $size bytes is carried by its callback: $carried", (row) =>
  Effect.gen(function* () {
    const { fn, ...others } = yield* start({ max_result_bytes: String(mebibyte) })
    const body = Buffer.alloc(row.size, "x")
    fn.answer((_, response) => void response.end(body))
    const callback = yield* check(others, { status: "200", retried: false })
    expect(callback?.header("X-Sluice-Result-Omitted")).toBe(row.note)
    expect(callback?.body.equals(row.carried ? body : Buffer.alloc(0))).toBe(true)
  })
)

it.live("an answer of any size that nobody wants finishes its call", () =>
  Effect.gen(function* () {
    const { fn, stranger } = yield* start({ max_result_bytes: "1" })
    fn.answer((_, response) => void response.end(Buffer.alloc(32 * mebibyte)))
    yield* stranger.publish("echo", call)
    yield* stranger.acked(1)
    expect(fn.requests).toHaveLength(1)
    expect(yield* stranger.deadLetters).toEqual([])
  })
)

it.live("an answer with more headers than Node allows by itself is an answer", () =>
  Effect.gen(function* () {
    const { fn, stranger } = yield* start()
    fn.answer((_, response) => void response.setHeader("X-Large", "x".repeat(500_000)).end())
    yield* stranger.publish("echo", call)
    yield* stranger.acked(1)
    expect(fn.requests).toHaveLength(1)
    expect(yield* stranger.deadLetters).toEqual([])
  })
)

it.live("interim answers are not the answer", () =>
  Effect.gen(function* () {
    const { fn, ...others } = yield* start()
    fn.answer((_, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload" })
      response.writeProcessing()
      response.writeHead(202).end("the answer")
    })
    const callback = yield* check(others, { status: "202", retried: false })
    expect(callback?.body.toString()).toBe("the answer")
    expect(callback?.header("link")).toBe(undefined)
  })
)

/** The URL of a server that greets like another protocol. */
const speaksNoHttp = Effect.map(
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => {}).resume()
        socket.end("220 mail.example.com ESMTP\r\n\r\n")
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  ),
  (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
)
