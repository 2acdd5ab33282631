import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import { type Environment, post, startBoth, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const prepare = Effect.fnUntraced(function* (bin: string, more: Environment = {}) {
  const nats = yield* startNats({ bin })
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  const environment: Environment = {
    NATS_URL: nats.url,
    function_url: `${fn.url}/{name}`,
    scaling_mode: "static",
    ...more
  }
  const gateway = yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  const publish = (name: string, id: string, more: object = {}) =>
    stranger.publish(name, { Function: name, Method: "POST", Header: { "X-Call-Id": [id] }, ...more })
  const publishBare = (message: object | string) =>
    Effect.promise(() =>
      stranger.jetstream.publish(
        "faas-request",
        typeof message === "string" ? message : JSON.stringify(message)
      )
    )
  return { fn, receiver, environment, gateway, stranger, publish, publishBare }
})

const ids = (requests: ReadonlyArray<HttpFunction.ReceivedRequest>) =>
  requests.map((request) => request.header("X-Call-Id"))

const series = (name: string, value: number) => `${name}{queue_name="faas-request",function_name=""} ${value}`

describe.concurrent.each(servers)("static mode, on $name:", ({ bin }) => {
  it.live("one shared consumer serves all functions in the order of their calls", () =>
    Effect.gen(function* () {
      const { environment, fn, publish, stranger } = yield* prepare(bin, { max_inflight: "1" })
      const order = ["a", "b", "a", "c", "b", "a"].map((name, index) => [name, `${name}-${index}`] as const)
      for (const [name, id] of order) yield* publish(name, id)
      const worker = yield* startWorker(environment)
      yield* fn.received(order.length)
      yield* stranger.allFinished
      expect(ids(fn.requests)).toEqual(order.map(([, id]) => id))
      const consumers = yield* QueueState.consumers(stranger)
      expect(consumers).toHaveLength(1)
      expect(consumers[0]?.name).toMatch(/^faas-workers=/)
      expect(worker.log.troubles).toEqual([])
    })
  )

  it.live("workers take max_inflight calls each, of whatever function", () =>
    Effect.gen(function* () {
      const { environment, fn, publish, stranger } = yield* prepare(bin, { max_inflight: "2" })
      const gate = new Gate()
      fn.answer((_, response) => gate.pass().then(() => void response.end()))
      for (let n = 0; n < 8; n++) yield* publish(n % 2 === 0 ? "a" : "b", String(n))
      yield* startWorker(environment)
      yield* startWorker(environment)
      yield* fn.received(4)
      gate.open()
      yield* stranger.allFinished
      expect(fn.maxInFlight()).toBe(4)
      expect(ids(fn.requests).toSorted()).toEqual(Array.from({ length: 8 }, (_, n) => String(n)))
    })
  )

  it.live("calls are retried, rejected ones too, reported and dead-lettered as ever", () =>
    Effect.gen(function* () {
      const { environment, fn, gateway, receiver, stranger } = yield* prepare(bin, {
        limiter_enabled: "true",
        max_retry_attempts: "2"
      })
      const statuses: Record<string, ReadonlyArray<number>> = { "/busy/": [429, 429, 200], "/broken/": [500] }
      const seen = new Map<string, number>()
      fn.answer(({ url }, response) => {
        const turn = seen.get(url) ?? 0
        seen.set(url, turn + 1)
        const answers = statuses[url] ?? [200]
        response.writeHead(answers[Math.min(turn, answers.length - 1)] ?? 200).end()
      })
      yield* startWorker(environment)
      for (const name of ["busy", "broken", "fine"]) {
        const headers = { "X-Call-Id": name, "X-Callback-Url": receiver.url }
        expect((yield* post(`${gateway.url}/async-function/${name}`, { headers })).status).toBe(202)
      }
      yield* receiver.received(3)
      yield* stranger.allFinished
      expect(Object.fromEntries(seen)).toEqual({ "/busy/": 3, "/broken/": 3, "/fine/": 1 })
      const reports = receiver.requests.map(({ header }) => [
        header("X-Call-Id"),
        header("X-Function-Status"),
        header("X-Retry")
      ])
      expect(reports.toSorted()).toEqual([
        ["broken", "500", "2"],
        ["busy", "200", "2"],
        ["fine", "200", "0"]
      ])
      const letters = yield* stranger.deadLetters
      expect(letters.map(({ headers }) => headers["Sluice-Function"])).toEqual(["broken.openfaas-fn"])
    })
  )

  it.live(
    "calls on the bare subject are served where they are; what names no function is a dead letter",
    () =>
      Effect.gen(function* () {
        const { environment, fn, publishBare, stranger } = yield* prepare(bin)
        yield* publishBare({ Function: "old", Method: "POST", Header: { "X-Call-Id": ["1"] } })
        yield* publishBare("no JSON")
        yield* publishBare({ Function: "no such name!", Method: "POST" })
        yield* startWorker(environment)
        yield* fn.received(1)
        yield* stranger.allFinished
        expect(fn.requests.map(({ url }) => url)).toEqual(["/old/"])
        const letters = yield* stranger.deadLetters
        expect(letters.map(({ headers }) => headers["Sluice-Reason"])).toEqual(["undecodable", "undecodable"])
        expect(letters.map(({ message }) => message.toString())).toContain("no JSON")
      })
  )

  it.live("a call on a subject of somebody else's making is served, and retried", () =>
    Effect.gen(function* () {
      const { environment, fn, receiver, stranger } = yield* prepare(bin)
      fn.answer((_, response) => void response.writeHead(fn.requests.length === 1 ? 500 : 200).end())
      const message = JSON.stringify({ Function: "odd", Method: "POST", CallbackUrl: receiver.url })
      yield* Effect.promise(() => stranger.jetstream.publish("faas-request.v2.für$#.odd", message))
      yield* startWorker(environment)
      yield* receiver.received(1)
      yield* stranger.allFinished
      expect(receiver.requests.map(({ header }) => header("X-Retry"))).toEqual(["1"])
    })
  )

  it.live("the depth of the queue is one series without a function", () =>
    Effect.gen(function* () {
      const { environment, fn, publish } = yield* prepare(bin)
      const gate = new Gate()
      fn.answer((_, response) => gate.pass().then(() => void response.end()))
      for (const name of ["a", "b", "a"]) yield* publish(name, name)
      const { operationsUrl } = yield* startWorker(environment)
      yield* fn.received(3)
      const lines = Effect.promise(async () => {
        const text = await (await fetch(`${operationsUrl}/metrics`)).text()
        return text.split("\n").filter((line) => /^queue_worker_(pending|function)/.test(line))
      })
      yield* eventually(
        "depth and calls in flight are shown",
        Effect.map(lines, (lines) =>
          expect(lines.toSorted()).toEqual([
            series("queue_worker_function_invocation_inflight", 3),
            series("queue_worker_pending_messages", 3)
          ])
        )
      )
      gate.open()
    })
  )

  it.live("a gateway in the same process wakes an idle worker up", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const fn = yield* HttpFunction.start()
      const { url } = yield* startBoth({
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        scaling_mode: "static",
        discovery_interval: "1h"
      })
      for (let n = 1; n <= 3; n++) {
        expect((yield* post(`${url}/async-function/f`)).status).toBe(202)
        yield* fn.received(n)
      }
    })
  )
})
