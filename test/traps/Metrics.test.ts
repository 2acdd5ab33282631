import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber } from "effect"
import { table } from "../../src/telemetry/MetricsTable.ts"
import { Exposition } from "../../src/telemetry/Exposition.ts"
import * as AdaptiveQueue from "../support/AdaptiveQueue.ts"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as NatsProxy from "../support/NatsProxy.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as Places from "../support/Places.ts"
import { streamName } from "../support/QueueState.ts"
import * as RestartableNats from "../support/RestartableNats.ts"
import * as Scrape from "../support/Scrape.ts"
import { natsClient, post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import * as WorkerOfParts from "../support/WorkerOfParts.ts"

const queue = { queue_name: "faas-request" }
const echo = { ...queue, function_name: "echo.openfaas-fn" }

/** Names of metrics that were seen with something in them. */
const moved = new Set<string>()

/** Waits until the samples are so, and remembers what has moved. */
const sees = (
  shown: Effect.Effect<string>,
  wanted: ReadonlyArray<
    readonly [string, Readonly<Record<string, string>>, number | ((value: number) => boolean)]
  >
) =>
  eventually(
    `all of ${wanted.map(([name]) => name).join(", ")}`,
    Effect.map(shown, (text) => {
      const samples = Scrape.parse(text)
      for (const [name, labels, value] of wanted) {
        const got = Scrape.valueIn(samples, name, labels)
        const right = typeof value === "number" ? got === value : got !== undefined && value(got)
        if (!right) throw new Error(`${name}${JSON.stringify(labels)} is ${got}`)
      }
      for (const { name, value } of samples) if (value > 0) moved.add(name.replace(/_count$/, ""))
    })
  )

const positive = (value: number) => value > 0

const start = Effect.fnUntraced(function* (bin: string | undefined, more: Record<string, string> = {}) {
  const nats = yield* startNats({ bin })
  const gate = new Gate()
  const fn = yield* HttpFunction.start({
    answer: (_, response) => gate.pass().then(() => void response.end())
  })
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, max_inflight: "2", ...more }
  return { nats, gate, fn, environment }
})

describe.each(servers)("on $name", ({ bin }) => {
  it.live("the depth of a queue is the same on every worker, and goes to 0 as calls end", () =>
    Effect.gen(function* () {
      const { environment, fn, gate } = yield* start(bin)
      const gateway = yield* startGateway(environment)
      const workers = [yield* startWorker(environment), yield* startWorker(environment)]
      for (let n = 0; n < 7; n++) yield* post(`${gateway.url}/async-function/echo`)
      yield* fn.received(4)
      for (const { operationsUrl } of workers) {
        yield* sees(Scrape.text(operationsUrl), [
          ["queue_worker_pending_messages", echo, 7],
          ["queue_worker_messages_submitted_total", queue, 7],
          ["queue_worker_function_invocation_inflight", echo, 2],
          ["sluice_function_permits", echo, 2],
          ["sluice_function_limit", echo, 2],
          ["sluice_oldest_call_age_seconds", echo, positive],
          ["sluice_queue_calls", queue, 7],
          ["sluice_queue_bytes", queue, positive]
        ])
      }
      yield* sees(Scrape.text(gateway.operationsUrl), [["sluice_calls_accepted_total", echo, 7]])
      gate.open()
      for (const { operationsUrl } of workers) {
        yield* sees(Scrape.text(operationsUrl), [
          ["queue_worker_pending_messages", echo, 0],
          ["sluice_oldest_call_age_seconds", echo, 0],
          ["queue_worker_function_invocation_inflight", echo, 0],
          ["sluice_queue_calls", queue, 0],
          ["sluice_queue_bytes", queue, 0]
        ])
      }
      const sum = yield* Effect.forEach(workers, ({ operationsUrl }) =>
        Effect.map(Scrape.text(operationsUrl), (text) =>
          Scrape.valueIn(Scrape.parse(text), "queue_worker_messages_processed_total")
        )
      )
      expect(sum.reduce<number>((total, value) => total + (value ?? 0), 0)).toBe(7)
    })
  )
})

it.live("what a rate needs to see from its first event on is there before, at 0", () =>
  Effect.gen(function* () {
    const { environment } = yield* start(undefined)
    const worker = yield* startWorker(environment)
    const samples = Scrape.parse(yield* Scrape.text(worker.operationsUrl))
    expect(Scrape.valueIn(samples, "queue_worker_nats_reconnect_total")).toBe(0)
    const { callbacks, deadLetters } = table
    for (const reason of deadLetters.known) {
      expect(Scrape.valueIn(samples, deadLetters.name, { ...queue, reason }), reason).toBe(0)
    }
    for (const outcome of callbacks.known) {
      expect(Scrape.valueIn(samples, callbacks.name, { ...queue, outcome }), outcome).toBe(0)
    }
  })
)

it.live("callbacks that wait are told by every worker, and their destinations are no functions", () =>
  Effect.gen(function* () {
    const { environment, gate } = yield* start(undefined)
    const taking = new Gate()
    const receiver = yield* HttpFunction.start({
      answer: (_, response) => taking.pass().then(() => void response.end())
    })
    const workers = [yield* startWorker(environment), yield* startWorker(environment)]
    const stranger = yield* Stranger.meet(environment.NATS_URL)
    for (let n = 0; n < 3; n++)
      yield* stranger.publish("echo", { Function: "echo", CallbackUrl: receiver.url })
    // Both have seen the function before its calls are done.
    for (const { operationsUrl } of workers) {
      yield* sees(Scrape.text(operationsUrl), [["queue_worker_pending_messages", echo, 3]])
    }
    gate.open()
    yield* receiver.received(3)
    for (const { operationsUrl } of workers) {
      yield* sees(Scrape.text(operationsUrl), [
        ["sluice_callbacks_waiting", queue, 3],
        ["queue_worker_messages_submitted_total", queue, 3],
        ["queue_worker_pending_messages", echo, 0],
        ["sluice_queue_bytes", queue, 0]
      ])
      const samples = Scrape.parse(yield* Scrape.text(operationsUrl))
      const names = samples.flatMap(({ labels }) => labels["function_name"] ?? [])
      expect(new Set(names)).toEqual(new Set(["echo.openfaas-fn"]))
    }
    taking.open()
    for (const { operationsUrl } of workers) {
      yield* sees(Scrape.text(operationsUrl), [["sluice_callbacks_waiting", queue, 0]])
    }
  })
)

it.live("a call that is done is counted on its whole way", () =>
  Effect.gen(function* () {
    const { environment, gate } = yield* start(undefined, {
      callback_retry_attempts: "1",
      callback_retry_initial_wait: "10ms"
    })
    gate.open()
    const receiver = yield* HttpFunction.start()
    const gateway = yield* startGateway(environment)
    const worker = yield* startWorker(environment)
    yield* post(`${gateway.url}/async-function/echo`, { headers: { "X-Callback-Url": receiver.url } })
    yield* post(`${gateway.url}/async-function/echo`, { headers: { "X-Callback-Url": "http://127.0.0.1:1" } })
    yield* sees(Scrape.text(worker.operationsUrl), [
      ["queue_worker_messages_processed_total", queue, 2],
      ["sluice_attempts_total", { ...echo, status: "2xx" }, 2],
      ["sluice_execution_seconds_count", echo, 2],
      ["sluice_verdicts_total", { ...queue, verdict: "done" }, 2],
      ["sluice_callbacks_total", { ...queue, outcome: "delivered" }, 1],
      ["sluice_callbacks_total", { ...queue, outcome: "retried" }, 1],
      ["sluice_callbacks_total", { ...queue, outcome: "dead" }, 1],
      ["sluice_dead_letters_total", { ...queue, reason: "callback-undeliverable" }, 1],
      ["sluice_queue_wait_seconds_count", queue, 2],
      ["sluice_accept_to_done_seconds_count", queue, 2],
      ["sluice_actors_started_total", queue, 3],
      ["sluice_event_loop_delay_seconds", {}, positive],
      ["sluice_build_info", {}, 1]
    ])
    yield* sees(Scrape.text(gateway.operationsUrl), [["sluice_publish_seconds_count", queue, 2]])
  })
)

it.live("a call that fails is counted while it waits for its retry, and when it is a dead letter", () =>
  Effect.gen(function* () {
    const { environment, fn } = yield* start(undefined, {
      initial_retry_wait: "400ms",
      max_retry_attempts: "1"
    })
    fn.answer((_, response) => void response.writeHead(500).end())
    const worker = yield* startWorker(environment)
    const stranger = yield* Stranger.meet(environment.NATS_URL)
    yield* stranger.publish("echo", { Function: "echo" })
    yield* sees(Scrape.text(worker.operationsUrl), [
      ["sluice_calls_delayed", echo, 1],
      ["queue_worker_pending_messages", echo, 1]
    ])
    yield* sees(Scrape.text(worker.operationsUrl), [
      ["sluice_attempts_total", { ...echo, status: "5xx" }, 2],
      ["sluice_retries_total", echo, 1],
      ["sluice_redeliveries_total", queue, 1],
      ["sluice_verdicts_total", { ...queue, verdict: "retry" }, 1],
      ["sluice_verdicts_total", { ...queue, verdict: "dead" }, 1],
      ["sluice_dead_letters_total", { ...queue, reason: "exhausted" }, 1],
      ["sluice_calls_delayed", echo, 0]
    ])
  })
)

it.live("calls of a function without room are counted as held, and the function as closed", () =>
  Effect.gen(function* () {
    const fn = yield* Places.start(0, { refusal: { status: 429 } })
    const run = yield* AdaptiveQueue.prepare(fn.server.url)
    yield* run.publishMany("echo", 3)
    const worker = yield* run.startWorker
    yield* fn.hasRefused(2)
    yield* sees(Scrape.text(worker.operationsUrl), [
      ["sluice_rejections_total", echo, (value) => value >= 2],
      ["sluice_attempts_total", { ...echo, status: "4xx" }, (value) => value >= 2],
      ["sluice_verdicts_total", { ...queue, verdict: "hold" }, positive],
      ["sluice_calls_held", echo, positive],
      ["sluice_function_closed", echo, 1],
      ["sluice_function_limit", echo, 0]
    ])
  })
)

it.live("each program counts the losses of its connection to NATS", () =>
  Effect.gen(function* () {
    const { nats, environment } = yield* start(undefined)
    const proxy = yield* NatsProxy.start(nats.port)
    const through = { ...environment, NATS_URL: proxy.url }
    const gateway = yield* startGateway(through)
    const worker = yield* startWorker(through)
    yield* proxy.cut
    yield* sees(Scrape.text(worker.operationsUrl), [["queue_worker_nats_reconnect_total", {}, 1]])
    yield* sees(Scrape.text(gateway.operationsUrl), [["gateway_nats_reconnect_total", {}, 1]])
  })
)

it.live("a stream with limits shows them", () =>
  Effect.gen(function* () {
    const { nats, environment } = yield* start(undefined)
    const { manager } = yield* natsClient(nats.url)
    yield* Effect.promise(() =>
      manager.streams.add({
        name: streamName,
        subjects: ["faas-request", "faas-request.>"],
        retention: "workqueue",
        discard: "new",
        max_msgs: 1_000,
        max_bytes: 1_000_000
      })
    )
    const worker = yield* startWorker(environment)
    yield* sees(Scrape.text(worker.operationsUrl), [
      ["sluice_queue_calls_limit", queue, 1_000],
      ["sluice_queue_bytes_limit", queue, 1_000_000]
    ])
    // An operator may take the limits away while we run.
    yield* Effect.promise(() => manager.streams.update(streamName, { max_msgs: -1, max_bytes: -1 }))
    yield* eventually(
      "the limits are gone",
      Effect.map(Scrape.text(worker.operationsUrl), (text) => !/^sluice_queue_\w+_limit\{/m.test(text))
    )
  })
)

it.live(
  "what is known of the queue is not shown for long while nobody can look, and comes back with NATS",
  () =>
    Effect.gen(function* () {
      const nats = yield* RestartableNats.start()
      const never = new Gate()
      const fn = yield* HttpFunction.start({
        answer: async ({ url }, response) => {
          if (!url.startsWith("/quick")) await never.pass()
          response.end()
        }
      })
      const { operationsUrl } = yield* startWorker({
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        max_queue_messages: "1000",
        max_queue_bytes: "1000000"
      })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const stranger = yield* Stranger.meet(nats.url)
          yield* stranger.publish("echo", { Function: "echo" })
          yield* stranger.publish("quick", { Function: "quick", CallbackUrl: `${fn.url}/receiver` })
        })
      )
      const ofTheQueue = [
        ["queue_worker_pending_messages", echo, 1],
        ["sluice_oldest_call_age_seconds", echo, positive],
        ["sluice_queue_calls", queue, 1],
        ["sluice_queue_calls_limit", queue, 1_000],
        ["sluice_queue_bytes", queue, positive],
        ["sluice_queue_bytes_limit", queue, 1_000_000],
        ["sluice_callbacks_waiting", queue, 1]
      ] as const
      yield* sees(Scrape.text(operationsUrl), ofTheQueue)

      yield* nats.kill
      const names = new Set<string>(ofTheQueue.map(([name]) => name))
      yield* eventually(
        "nothing is told of the queue",
        Effect.map(
          Scrape.text(operationsUrl),
          (text) => !Scrape.parse(text).some(({ name }) => names.has(name))
        )
      )
      // What the worker knows of itself stays.
      yield* sees(Scrape.text(operationsUrl), [["queue_worker_function_invocation_inflight", echo, 1]])

      yield* nats.restart
      // A server that was killed may have forgotten an acknowledgement.
      const shown = ofTheQueue.map(([name, labels]) => [name, labels, positive] as const)
      yield* sees(Scrape.text(operationsUrl), shown)
    })
)

it.live("an actor that has nothing to do is counted as ended, and its gauges are gone", () =>
  Effect.gen(function* () {
    const { environment, gate } = yield* start(undefined, { consumer_inactive_threshold: "100ms" })
    gate.open()
    const worker = yield* startWorker(environment)
    const stranger = yield* Stranger.meet(environment.NATS_URL)
    yield* stranger.publish("echo", { Function: "echo" })
    yield* sees(Scrape.text(worker.operationsUrl), [["sluice_actors_ended_total", queue, 1]])
    const samples = Scrape.parse(yield* Scrape.text(worker.operationsUrl))
    expect(Scrape.valueIn(samples, "sluice_function_limit", echo)).toBeUndefined()
    expect(Scrape.valueIn(samples, "queue_worker_function_invocation_inflight", echo)).toBeUndefined()
    expect(Scrape.valueIn(samples, "queue_worker_pending_messages", echo)).toBe(0)
  })
)

it.live("an actor that dies is counted as restarted", () =>
  Effect.gen(function* () {
    const { environment, gate, fn } = yield* start(undefined)
    gate.open()
    let dead = false
    const worker = yield* WorkerOfParts.startWorker(environment, {
      sources: ({ open }) => ({
        open: (name, handlers) => {
          if (dead) return open(name, handlers)
          dead = true
          return Effect.die(new Error("a mistake of ours"))
        }
      })
    })
    const stranger = yield* Stranger.meet(environment.NATS_URL)
    yield* stranger.publish("echo", { Function: "echo" })
    yield* fn.received(1)
    yield* sees(Context.get(worker.context, Exposition).text, [
      ["sluice_actors_restarted_total", queue, 1],
      ["sluice_actors_started_total", queue, 1]
    ])
  })
)

it.live("the gateway counts synchronous calls by function, requests by kind, and what it refuses", () =>
  Effect.gen(function* () {
    const { environment, gate, fn } = yield* start(undefined)
    const gateway = yield* startGateway(environment)
    const synchronous = yield* Effect.forkChild(post(`${gateway.url}/function/echo/a/b?c`))
    yield* fn.received(1)
    const ofFunction = { function_name: "echo.openfaas-fn" }
    yield* sees(Scrape.text(gateway.operationsUrl), [
      ["gateway_function_invocation_inflight", ofFunction, 1],
      ["gateway_function_invocation_started", ofFunction, 1]
    ])
    gate.open()
    yield* Fiber.join(synchronous)
    gate.close()
    const giveUp = new AbortController()
    const given = fetch(`${gateway.url}/function/gone`, { signal: giveUp.signal }).catch(() => undefined)
    yield* fn.received(2)
    giveUp.abort()
    yield* Effect.promise(() => given)
    yield* post(`${gateway.url}/async-function/echo`, { headers: { "X-Callback-Url": "ftp://no" } })
    yield* post(`${gateway.url}/async-function/a%22b`)
    yield* post(`${gateway.url}/function/a%22b`)
    yield* Effect.promise(() => fetch(`${gateway.url}/async-function/echo`))
    yield* Effect.promise(() => fetch(`${gateway.url}/nothing`, { method: "PROPFIND" }))
    yield* sees(Scrape.text(gateway.operationsUrl), [
      ["gateway_function_invocation_inflight", ofFunction, 0],
      ["gateway_function_invocation_total", { ...ofFunction, code: "200" }, 1],
      ["gateway_function_invocation_total", { function_name: "gone.openfaas-fn", code: "499" }, 1],
      ["gateway_functions_seconds_count", { ...ofFunction, code: "200" }, 1],
      ["http_requests_total", { method: "POST", path: "/function/", status: "200" }, 1],
      ["http_requests_total", { method: "GET", path: "/function/", status: "499" }, 1],
      ["http_request_duration_seconds_count", { method: "GET", path: "/async-function/", status: "405" }, 1],
      ["http_requests_total", { method: "POST", path: "/async-function/", status: "400" }, 2],
      ["http_requests_total", { method: "POST", path: "/function/", status: "400" }, 1],
      ["http_requests_total", { method: "other", path: "other", status: "404" }, 1],
      ["sluice_calls_refused_total", { reason: "bad-callback-url" }, 1],
      ["sluice_calls_refused_total", { reason: "bad-function-name" }, 1],
      ["sluice_calls_refused_total", { reason: "method-not-allowed" }, 1]
    ])
  })
)

it("every metric that exists has moved in a test of this file", () => {
  expect(
    Object.values(table)
      .map(({ name }) => name)
      .filter((name) => !moved.has(name))
  ).toEqual([])
})
