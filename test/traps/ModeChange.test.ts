import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as NatsProxy from "../support/NatsProxy.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import { type Environment, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 90_000 })

const changes = [
  { from: "function", to: "static" },
  { from: "static", to: "function" }
]
const cases = servers.flatMap((server) => changes.map((change) => Object.assign({}, server, change)))
/** Processes are many: the machine's own server is enough for what they say to each other. */
const ownCases = cases.slice(0, changes.length)

const waits = (to: string) => `waits until no worker in ${to === "static" ? "function" : "static"} mode`

const prepare = Effect.fnUntraced(function* (bin: string, more: Environment = {}) {
  const nats = yield* startNats({ bin })
  const fn = yield* HttpFunction.start()
  const environment: Environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...more }
  yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  const publish = (name: string, id: string) =>
    stranger.publish(name, { Function: name, Method: "POST", Header: { "X-Call-Id": [id] } })
  return { nats, fn, environment, stranger, publish }
})

const readiness = (operationsUrl: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${operationsUrl}/readyz`)
    return { status: response.status, body: await response.text() }
  })

const idsOf = (requests: ReadonlyArray<HttpFunction.ReceivedRequest>) =>
  requests.map((request) => request.header("X-Call-Id"))

/** Where a worker process says that it answers people. */
const operationsOf = (program: Effect.Success<ReturnType<typeof spawnProgram>>) =>
  Effect.map(
    program.log.line("listening"),
    ({ fields }) => `http://127.0.0.1:${String(fields["metrics_port"])}`
  )

describe.concurrent.each(ownCases)("on $name, a queue goes from $from to $to mode:", ({ bin, from, to }) => {
  it.live(
    "a worker of the new mode waits, not ready, until the last of the old one has gone, then serves",
    () =>
      Effect.gen(function* () {
        const { environment, fn, publish, stranger } = yield* prepare(bin, { max_inflight: "2" })
        const gate = new Gate()
        fn.answer((_, response) => gate.pass().then(() => void response.end()))
        const ids = Array.from({ length: 6 }, (_, n) => `call-${n}`)
        for (const [n, id] of ids.entries()) yield* publish(n % 2 === 0 ? "a" : "b", id)
        const old = yield* spawnProgram(["worker"], { ...environment, scaling_mode: from })
        yield* fn.received(2)

        const next = yield* spawnProgram(["worker"], { ...environment, scaling_mode: to })
        yield* next.log.line(waits(to))
        const url = yield* operationsOf(next)
        const { body, status } = yield* readiness(url)
        expect(status).toBe(503)
        expect(body).toContain(waits(to))
        expect(fn.requests).toHaveLength(2)

        // A second one of the old mode still comes in, as a roll-back would start it.
        const second = yield* spawnProgram(["worker"], { ...environment, scaling_mode: from })
        yield* fn.received(4)
        yield* old.signal("SIGTERM")
        yield* second.signal("SIGTERM")
        gate.open()
        expect(yield* old.exit).toBe(0)
        expect(yield* second.exit).toBe(0)
        yield* fn.received(6)
        yield* stranger.allFinished
        yield* eventually(
          "the new one is ready",
          Effect.map(readiness(url), ({ status }) => status === 200)
        )
        expect(idsOf(fn.requests).toSorted()).toEqual(ids)
        expect(next.log.with(waits(to))).toHaveLength(1)
        expect(next.log.lines.filter(({ level }) => /error/i.test(level))).toEqual([])
      })
  )

  it.live("workers that were killed are waited for in vain, and their running calls are executed again", () =>
    Effect.gen(function* () {
      const { environment, fn, publish, stranger } = yield* prepare(bin, { max_inflight: "1" })
      const gate = new Gate()
      fn.answer((_, response) => gate.pass().then(() => void response.end()))
      for (const name of ["a", "b"]) yield* publish(name, name)
      const old = yield* spawnProgram(["worker"], { ...environment, scaling_mode: from })
      yield* fn.received(1)
      yield* old.end("SIGKILL")
      gate.open()
      yield* startWorker({ ...environment, scaling_mode: to })
      yield* fn.received(3)
      yield* stranger.allFinished
      // In function mode no order is promised between functions: either may have been the first.
      const [first = "", ...others] = idsOf(fn.requests)
      expect(others.toSorted()).toEqual(["a", "b"])
      expect(["a", "b"]).toContain(first)
      const consumers = yield* QueueState.consumers(stranger)
      expect(consumers.filter(({ name }) => name.startsWith("faas-workers")).length).toBe(
        to === "static" ? 1 : 0
      )
    })
  )
})

describe.concurrent.each(cases)("on $name, a queue goes from $from to $to mode;", ({ bin, from, to }) => {
  it.live("calls that wait for a retry keep their attempts and their delays", () =>
    Effect.gen(function* () {
      const { environment, fn, publish, stranger } = yield* prepare(bin, {
        max_retry_attempts: "1",
        initial_retry_wait: "10s",
        max_retry_wait: "10s"
      })
      fn.answer((_, response) => void response.writeHead(500).end())
      for (const name of ["a", "b"]) yield* publish(name, name)
      const old = yield* startWorker({ ...environment, scaling_mode: from })
      yield* stranger.givenBack(2)
      yield* old.stop
      const next = yield* startWorker({ ...environment, scaling_mode: to })
      yield* next.log.line("the scaling mode of the queue has changed")
      // Delivered by the new consumer as if for the first time, and given back until their time has come.
      yield* stranger.givenBack(4)
      expect(fn.requests).toHaveLength(2)
      yield* stranger.allFinished
      expect(fn.requests).toHaveLength(4)
      const [, , third] = fn.requests.map(({ startedAt }) => startedAt)
      expect((third ?? 0) - (fn.requests[1]?.startedAt ?? 0)).toBeGreaterThanOrEqual(9_500)
      const letters = yield* stranger.deadLetters
      expect(letters.map(({ headers }) => headers["Sluice-Attempts"])).toEqual(["2", "2"])
    })
  )
})

describe.concurrent.each(servers)("on $name, a queue goes from static to function mode;", ({ bin }) => {
  it.live("a call on the bare subject that waits for a retry keeps attempts, delay and age", () =>
    Effect.gen(function* () {
      const { environment, fn, stranger } = yield* prepare(bin, {
        max_retry_attempts: "1",
        initial_retry_wait: "10s",
        max_retry_wait: "10s"
      })
      fn.answer((_, response) => void response.writeHead(500).end())
      yield* Effect.promise(() =>
        stranger.jetstream.publish("faas-request", JSON.stringify({ Function: "a", Method: "POST" }))
      )
      const stored = yield* Effect.promise(() =>
        stranger.manager.streams.getMessage(QueueState.streamName, { seq: 1 })
      )
      const old = yield* startWorker({ ...environment, scaling_mode: "static" })
      yield* stranger.givenBack(1)
      yield* old.stop
      const next = yield* startWorker({ ...environment, scaling_mode: "function" })
      yield* stranger.givenBack(2)
      expect(fn.requests).toHaveLength(1)
      yield* stranger.allFinished
      const [first, second] = fn.requests.map(({ startedAt }) => startedAt)
      expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(9_500)
      expect(fn.requests).toHaveLength(2)
      const [letter] = yield* stranger.deadLetters
      expect(letter?.headers).toMatchObject({
        "Sluice-Reason": "exhausted",
        "Sluice-Attempts": "2",
        "Sluice-Accepted": stored?.time.toISOString()
      })
      yield* eventually(
        "the ledger has forgotten it",
        Effect.map(stranger.attemptRecords, (records) => records.length === 0)
      )
      expect(next.log.lines.filter(({ level }) => /error/i.test(level))).toEqual([])
    })
  )
})

describe.concurrent.each(servers.slice(0, 1))("on $name,", ({ bin }) => {
  it.live("an idle worker without any consumer keeps the other mode away too", () =>
    Effect.gen(function* () {
      const { environment, fn, publish } = yield* prepare(bin)
      const idle = yield* startWorker({ ...environment, scaling_mode: "function" })
      const other = yield* spawnProgram(["worker"], { ...environment, scaling_mode: "static" })
      yield* other.log.line(waits("static"))
      yield* publish("a", "1")
      yield* fn.received(1)
      expect(idle.log.troubles).toEqual([])
    })
  )

  it.live("a worker that was cut off while the other mode took over says that it cannot serve", () =>
    Effect.gen(function* () {
      const { environment, fn, nats, publish } = yield* prepare(bin)
      const proxy = yield* NatsProxy.start(nats.port)
      const cutOff = yield* startWorker({ ...environment, NATS_URL: proxy.url, scaling_mode: "function" })
      yield* publish("a", "1")
      yield* fn.received(1)
      yield* proxy.silence("client")
      const other = yield* startWorker({ ...environment, scaling_mode: "static" })
      yield* other.log.line("the scaling mode of the queue has changed")
      yield* publish("a", "2")
      yield* fn.received(2)
      // It asks who is there when it is back.
      yield* proxy.cut
      yield* eventually(
        "the one that was cut off is not ready",
        Effect.map(readiness(cutOff.operationsUrl), ({ body }) => body.includes("serve it in static mode"))
      )
      expect((yield* readiness(other.operationsUrl)).status).toBe(200)
    })
  )

  it.live(
    "a queue that was taken over while its worker was stopped goes on at once when that one has gone",
    () =>
      Effect.gen(function* () {
        const { environment, fn, publish, stranger } = yield* prepare(bin, { ack_wait: "2s" })
        const old = yield* spawnProgram(["worker"], { ...environment, scaling_mode: "function" })
        yield* publish("a", "1")
        yield* fn.received(1)
        yield* stranger.allFinished
        const [made] = yield* QueueState.consumers(stranger)
        const next = yield* spawnProgram(["worker"], { ...environment, scaling_mode: "static" })
        yield* next.log.line(waits("static"))
        const url = yield* operationsOf(next)
        yield* old.signal("SIGSTOP")
        yield* next.log.line("the scaling mode of the queue has changed")
        // As the old one does when it is back and is the first to hear of a call.
        yield* Effect.promise(() => stranger.manager.consumers.add(QueueState.streamName, made?.config ?? {}))
        yield* old.signal("SIGCONT")
        yield* eventually(
          "the new one knows of the old one",
          Effect.map(readiness(url), ({ body }) => body.includes("serve it in function mode"))
        )
        yield* publish("a", "2")
        yield* fn.received(2)
        yield* next.log.line("workers in the other scaling_mode serve the queue")
        expect(yield* old.end("SIGTERM")).toBe(0)
        const stoppedAt = Date.now()
        yield* publish("a", "3")
        yield* fn.received(3)
        expect((fn.requests[2]?.startedAt ?? 0) - stoppedAt).toBeLessThan(10_000)
        yield* eventually(
          "the new one is ready",
          Effect.map(readiness(url), ({ status }) => status === 200)
        )
        expect(next.log.with("an actor has died")).toEqual([])
        expect(next.log.with("workers in the other scaling_mode")).toHaveLength(1)
      })
  )

  it.live(
    "of two that start at once with different modes one serves, and the other when that one has gone",
    () =>
      Effect.gen(function* () {
        const { environment, fn, publish } = yield* prepare(bin)
        const [one, two] = yield* Effect.all(
          ["function", "static"].map((mode) =>
            spawnProgram(["worker"], { ...environment, scaling_mode: mode })
          ),
          { concurrency: "unbounded" }
        )
        if (one === undefined || two === undefined) throw new Error("two were started")
        yield* publish("a", "1")
        // One that gets no time to answer, where many others run, is not heard: then both take the queue, and one has it.
        const lines = ["waits until", "workers in the other scaling_mode serve the queue"]
        const waiting = yield* Effect.raceAllFirst(
          [one, two].flatMap((worker) => lines.map((text) => Effect.as(worker.log.line(text), worker)))
        )
        yield* fn.received(1)
        const serving = waiting === one ? two : one
        expect(yield* serving.end("SIGTERM")).toBe(0)
        yield* publish("a", "2")
        yield* fn.received(2)
        expect(serving.log.with("waits until")).toEqual([])
      })
  )
})
