import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { type Environment, post, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import * as WireTap from "../support/WireTap.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 90_000 })

const prepare = Effect.fnUntraced(function* (bin: string | undefined, more: Environment = {}) {
  const nats = yield* startNats(bin === undefined ? {} : { bin })
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...more }
  const stranger = yield* Stranger.meet(nats.url)
  const gateway = yield* startGateway(environment)
  const submit = post(`${gateway.url}/async-function/f`, { headers: { "X-Callback-Url": receiver.url } })
  const entries = Effect.promise(async () => {
    const info = await stranger.manager.streams.info("KV_OF_faas-request_attempts").catch(() => undefined)
    return info?.state.messages ?? 0
  })
  return {
    nats,
    fn,
    receiver,
    environment,
    stranger,
    submit,
    entries,
    noEntries: eventually(
      "the ledger has no entries",
      Effect.map(entries, (count) => count === 0)
    )
  }
})

describe.concurrent.each(servers)("on $name", ({ bin }) => {
  it.live("a lost consumer takes neither attempts nor delays with it", () =>
    Effect.gen(function* () {
      const { fn, receiver, environment, stranger, submit, entries, noEntries } = yield* prepare(bin, {
        initial_retry_wait: "100ms",
        max_retry_wait: "1h"
      })
      const wait = 12_000
      fn.answer((_, response) => {
        const after = fn.requests.length === 2 ? { "Retry-After": String(wait / 1000) } : {}
        response.writeHead(fn.requests.length <= 2 ? 500 : 200, after).end()
      })
      const worker = yield* startWorker(environment)
      yield* submit
      yield* fn.received(2)
      yield* stranger.givenBack(2)
      expect(yield* entries).toBe(1)
      yield* worker.stop
      yield* stranger.forgetConsumers
      // The call is delivered at once by the new consumer, as if for the first time, and given back again.
      const other = yield* startWorker(environment)
      const [, , again] = yield* stranger.givenBack(3)
      expect(again?.delayMillis).toBeGreaterThan(0)
      expect(again?.delayMillis).toBeLessThanOrEqual(wait)
      expect(fn.requests).toHaveLength(2)
      yield* stranger.acked(1)
      const [, second, third, ...more] = fn.requests
      expect(more).toEqual([])
      expect((third?.startedAt ?? 0) - (second?.startedAt ?? 0)).toBeGreaterThanOrEqual(wait - 200)
      expect((yield* receiver.received(1)).map((request) => request.header("X-Retry"))).toEqual(["2"])
      yield* noEntries
      expect(other.log.lines.filter(({ level }) => level === "Error")).toEqual([])
    })
  )

  it.live("hand-backs and a killed worker use no attempt, and the ledger forgets the finished call", () =>
    Effect.gen(function* () {
      const { fn, receiver, environment, stranger, submit, noEntries } = yield* prepare(bin, {
        ack_wait: "4s",
        shutdown_grace: "0s",
        max_retry_attempts: "1"
      })
      const gate = new Gate()
      // Broken off by SIGTERM, by SIGTERM, failed, broken off by SIGKILL, failed.
      fn.answer(async (_, response) => {
        if (fn.requests.length !== 3) await gate.pass()
        response.writeHead(500).end()
      })
      yield* submit
      for (const drains of [1, 2]) {
        const worker = yield* spawnProgram(["worker"], environment)
        yield* fn.received(drains)
        expect(yield* worker.end("SIGTERM")).toBe(0)
      }
      const killed = yield* spawnProgram(["worker"], environment)
      yield* fn.received(3)
      yield* fn.received(4)
      yield* killed.end("SIGKILL")
      gate.open()
      yield* startWorker(environment)
      yield* stranger.acked(1)
      expect(fn.requests.map(({ answered }) => answered)).toEqual([false, false, true, false, true])
      const [letter] = yield* stranger.deadLetters
      expect(letter?.headers).toMatchObject({ "Sluice-Reason": "exhausted", "Sluice-Attempts": "2" })
      expect((yield* receiver.received(1)).map((request) => request.header("X-Retry"))).toEqual(["1"])
      yield* noEntries
    })
  )
})

// What a worker sends is the same whatever the server.
describe("on the machine's own nats-server", () => {
  it.live("the ledger forgets a call after its acknowledgement has left, not before", () =>
    Effect.gen(function* () {
      const { nats, fn, environment, stranger, submit, noEntries } = yield* prepare(undefined)
      const said: Array<string> = []
      const tap = yield* WireTap.start(nats.port, ({ verb, words: [subject = ""] }) => {
        // With headers it is a worker that looks whether it may acknowledge.
        if (verb === "PUB" && subject.startsWith("$JS.ACK.OF_faas-request.")) said.push("settled")
        if (verb.endsWith("PUB") && subject.includes("MSG.DELETE.KV_OF_faas-request_attempts"))
          said.push("forgotten")
      })
      fn.answer((_, response) => void response.writeHead(fn.requests.length === 1 ? 500 : 200).end())
      yield* startWorker({ ...environment, NATS_URL: tap.url })
      yield* submit
      yield* stranger.acked(1)
      yield* noEntries
      expect(said).toEqual(["settled", "settled", "forgotten"])
    })
  )

  it.live("calls that succeed at once cost the ledger nothing", () =>
    Effect.gen(function* () {
      const { nats, fn, environment, stranger, submit } = yield* prepare(undefined)
      const said: Array<string> = []
      const tap = yield* WireTap.start(nats.port, ({ verb, words: [subject = ""] }) => {
        if (verb.endsWith("PUB") && subject.includes("_attempts")) said.push(subject)
      })
      const worker = yield* startWorker({ ...environment, NATS_URL: tap.url })
      said.length = 0
      yield* Effect.replicateEffect(submit, 100, { concurrency: 10, discard: true })
      yield* fn.ended(100)
      yield* stranger.allFinished
      yield* eventually(
        "every callback is delivered",
        Effect.map(stranger.waitingCallbacks, (count) => count === 0)
      )
      yield* worker.stop
      // Whether there are entries, once for the function and once for the receiver.
      expect(said.filter((subject) => !/STREAM\.(INFO|CREATE)\./.test(subject))).toEqual([])
      expect(said.length).toBeLessThanOrEqual(2)
    })
  )
})

it.live("calls that wait for room are handed back at the end without blame", () =>
  Effect.gen(function* () {
    const { fn, environment, stranger, submit, entries } = yield* prepare(undefined, {
      limiter_enabled: "true",
      shutdown_grace: "2s"
    })
    fn.answer((_, response) => void response.writeHead(429).end())
    const worker = yield* startWorker(environment)
    yield* Effect.replicateEffect(submit, 5, { concurrency: 5, discard: true })
    yield* fn.received(3)
    yield* worker.stop
    const handed = new Set(stranger.settlements.map(({ sequence }) => sequence))
    expect(yield* entries).toBe(handed.size)
    expect(yield* stranger.unfinished).toBe(5)

    fn.answer((_, response) => void response.end())
    const other = yield* startWorker(environment)
    yield* stranger.allFinished
    yield* other.stop
    expect(yield* entries).toBe(0)
    expect(yield* stranger.deadLetters).toEqual([])
  })
)
