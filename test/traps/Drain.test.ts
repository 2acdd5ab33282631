import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { vi } from "vitest"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as Scrape from "../support/Scrape.ts"
import { type Environment, post, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 90_000 })

/** A worker process that runs a call, which is held. */
const prepare = Effect.fnUntraced(function* (
  shutdown_grace: string,
  { bin, ...more }: Environment & { readonly bin?: string } = {}
) {
  const nats = yield* startNats(bin === undefined ? {} : { bin })
  const gate = new Gate()
  const fn = yield* HttpFunction.start({
    answer: (request, response) => gate.pass().then(() => void response.end(`did ${request.body}`))
  })
  const receiver = yield* HttpFunction.start()
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, shutdown_grace, ...more }
  const gateway = yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  const call = (body: string) =>
    post(`${gateway.url}/async-function/a`, { body, headers: { "X-Callback-Url": `${receiver.url}/done` } })
  const worker = yield* spawnProgram(["worker"], environment)
  yield* call("1")
  yield* fn.received(1)
  return { gate, fn, receiver, stranger, call, worker, environment }
})

it.live("on SIGTERM a running call is finished, its result is stored, and the worker exits with 0", () =>
  Effect.gen(function* () {
    const { gate, fn, receiver, stranger, call, worker, environment } = yield* prepare("60s")
    yield* worker.signal("SIGTERM")
    yield* worker.log.line("draining")
    // Nobody is there for this one.
    yield* call("2")
    gate.release(1)
    expect(yield* worker.exit).toBe(0)
    expect(fn.requests.map(({ answered }) => answered)).toEqual([true])
    expect(yield* stranger.unfinished).toBe(1)
    expect(yield* stranger.waitingCallbacks).toBe(1)

    yield* startWorker(environment)
    const [callback] = yield* receiver.received(1)
    expect(callback?.body.toString()).toBe("did 1")
  })
)

it.live("on SIGTERM the worker waits for the callback of a call that has finished", () =>
  Effect.gen(function* () {
    const { gate, receiver, stranger, worker } = yield* prepare("60s")
    const callbacks = new Gate()
    receiver.answer((_, response) => callbacks.pass().then(() => void response.end()))
    gate.open()
    yield* receiver.received(1)
    yield* worker.signal("SIGTERM")
    yield* worker.log.line("draining")
    callbacks.open()
    expect(yield* worker.exit).toBe(0)
    yield* stranger.allFinished
    expect(receiver.requests.map(({ answered }) => answered)).toEqual([true])
  })
)

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a call that runs longer than shutdown_grace is handed back, and another worker executes it", () =>
    Effect.gen(function* () {
      const { gate, fn, receiver, stranger, worker, environment } = yield* prepare("50ms", {
        bin,
        // Nothing tells the other one but the one that stops.
        discovery_interval: "1h"
      })
      const other = yield* spawnProgram(["worker"], environment)
      yield* other.log.line("connected to NATS")
      expect(yield* worker.end("SIGTERM")).toBe(0)
      yield* fn.received(2)
      expect(fn.requests.map(({ answered, endedAt }) => [answered, endedAt === undefined])).toEqual([
        [false, false],
        [false, true]
      ])
      gate.open()
      yield* receiver.received(1)
      yield* stranger.allFinished
      expect(stranger.settlements.map(({ kind }) => kind)).toEqual(["nak", "ack"])
      expect(fn.requests).toHaveLength(2)
    })
  )
})

it.live("a second signal ends the worker at once with 130", () =>
  Effect.gen(function* () {
    const { fn, stranger, worker } = yield* prepare("60s")
    yield* worker.signal("SIGTERM")
    yield* worker.log.line("draining")
    expect(yield* worker.end("SIGINT")).toBe(130)
    yield* fn.ended(1)
    expect(fn.requests.map(({ answered }) => answered)).toEqual([false])
    expect(yield* stranger.unfinished).toBe(1)
  })
)

/** A page of the operations port. */
const page = (operationsUrl: string, path: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${operationsUrl}${path}`)
    return { status: response.status, text: await response.text() }
  })

/** Waits until the program says that it is stopping; it is alive all the while. */
const saysThatItStops = Effect.fnUntraced(function* (operationsUrl: string) {
  yield* eventually(
    "/readyz says that it stops",
    Effect.map(
      page(operationsUrl, "/readyz"),
      ({ status, text }) => status === 503 && text.includes("it was told to stop")
    )
  )
  expect(yield* page(operationsUrl, "/healthz")).toMatchObject({ status: 200 })
})

it.live(
  "a draining worker shows what becomes of its calls, is not ready, and tells no more of the queue",
  () =>
    Effect.gen(function* () {
      const { gate, fn, call, worker } = yield* prepare("60s", { max_retry_attempts: "0", max_inflight: "2" })
      const failing = new Gate()
      fn.answer(async ({ body }, response) => {
        const isFirst = body.toString() === "1"
        await (isFirst ? gate : failing).pass()
        response.writeHead(isFirst ? 200 : 500).end()
      })
      yield* call("2")
      yield* fn.received(2)
      const { fields } = yield* worker.log.line("listening")
      const operationsUrl = `http://127.0.0.1:${fields["metrics_port"]}`
      const value = (name: string, labels: Readonly<Record<string, string>> = {}) =>
        Effect.map(Scrape.text(operationsUrl), (text) => Scrape.valueIn(Scrape.parse(text), name, labels))
      const is = (wanted: number, name: string, labels?: Readonly<Record<string, string>>) =>
        eventually(
          `${name} is ${wanted}`,
          Effect.map(value(name, labels), (got) => got === wanted)
        )
      yield* is(2, "queue_worker_pending_messages")

      yield* worker.signal("SIGTERM")
      yield* worker.log.line("draining")
      yield* saysThatItStops(operationsUrl)
      expect(yield* value("queue_worker_pending_messages")).toBeUndefined()
      expect(yield* value("sluice_queue_calls")).toBeUndefined()
      expect(yield* value("queue_worker_function_invocation_inflight")).toBe(2)

      failing.open()
      yield* is(1, "sluice_dead_letters_total", { reason: "exhausted" })
      gate.open()
      expect(yield* worker.exit).toBe(0)
    })
)

it.live("a draining gateway shows its last requests and is not ready", () =>
  Effect.gen(function* () {
    const nats = yield* startNats({})
    const gate = new Gate()
    const fn = yield* HttpFunction.start({
      answer: (_, response) => gate.pass().then(() => void response.end())
    })
    const gateway = yield* startGateway({
      NATS_URL: nats.url,
      function_url: `${fn.url}/{name}`,
      shutdown_grace: "60s"
    })
    const calls = yield* Effect.forEach(["a", "b"], (name) =>
      Effect.forkChild(post(`${gateway.url}/function/${name}`))
    )
    yield* fn.received(2)
    const stopped = yield* Effect.forkChild(gateway.stop)
    yield* saysThatItStops(gateway.operationsUrl)
    gate.release(1)
    yield* eventually(
      "the first request is counted",
      Effect.map(
        Scrape.text(gateway.operationsUrl),
        (text) => Scrape.valueIn(Scrape.parse(text), "http_requests_total", { path: "/function/" }) === 1
      )
    )
    gate.open()
    yield* Fiber.join(stopped)
    expect((yield* Effect.forEach(calls, Fiber.join)).map(({ status }) => status)).toEqual([200, 200])
  })
)

it.live("an idle worker exits with 0 on SIGTERM", () =>
  Effect.gen(function* () {
    const { gate, stranger, worker } = yield* prepare("60s")
    gate.open()
    yield* stranger.allFinished
    expect(yield* worker.end("SIGTERM")).toBe(0)
    expect(worker.log.troubles).toEqual([])
  })
)
