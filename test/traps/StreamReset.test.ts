import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import * as ShortLivedConsumers from "../support/ShortLivedConsumers.ts"
import * as Stranger from "../support/Stranger.ts"
import {
  type Environment,
  type LogBook,
  natsClient,
  post,
  startBoth,
  startGateway,
  startWorker
} from "../support/Sluice.ts"

const apart = Effect.fnUntraced(function* (environment: Environment) {
  const gateway = yield* startGateway(environment)
  const worker = yield* startWorker(environment)
  return { url: gateway.url, log: worker.log, stop: Effect.andThen(worker.stop, gateway.stop) }
})

const shapes = [
  { shape: "a worker and a gateway", start: apart },
  { shape: "both in one process", start: startBoth }
]
const cases = servers.flatMap((server) => shapes.map((shape) => Object.assign({}, server, shape)))

const resetWarning = `stream ${QueueState.streamName} was deleted and made again`

const expectResets = (log: LogBook, count: number) => {
  expect(log.with(resetWarning)).toHaveLength(count)
  expect(log.lines.filter(({ level }) => level === "Error")).toEqual([])
}

describe.concurrent.each(cases)("on $name, the stream is deleted under $shape:", ({ bin, start }) => {
  const setUp = Effect.gen(function* () {
    const nats = yield* startNats({ bin })
    const client = yield* natsClient(nats.url)
    const fn = yield* HttpFunction.start()
    const { url, log, stop } = yield* start({ NATS_URL: nats.url, function_url: `${fn.url}/{name}` })
    const submit = (id: string) =>
      Effect.map(post(`${url}/async-function/f`, { headers: { "X-Call-Id": id } }), (answer) =>
        expect(answer.status).toBe(202)
      )
    const executed = () => fn.requests.map((request) => request.header("X-Call-Id"))
    const reset = Effect.promise(() => client.manager.streams.delete(QueueState.streamName))
    return { client, fn, log, stop, submit, executed, reset }
  })

  it.live("new calls are served, and nothing hangs", () =>
    Effect.gen(function* () {
      const { client, fn, log, stop, submit, executed, reset } = yield* setUp
      yield* submit("1")
      yield* fn.received(1)
      yield* QueueState.isEmpty(client)
      for (const [round, id] of ["2", "3"].entries()) {
        yield* reset
        yield* submit(id)
        yield* fn.received(round + 2)
        yield* QueueState.isEmpty(client)
      }
      expect(executed()).toEqual(["1", "2", "3"])
      yield* stop
      expectResets(log, 2)
    })
  )

  it.live("it is made again also when nobody calls", () =>
    Effect.gen(function* () {
      const { client, fn, log, stop, submit, reset } = yield* setUp
      yield* submit("1")
      yield* fn.received(1)
      yield* reset
      yield* log.line(resetWarning)
      yield* QueueState.isEmpty(client)
      yield* stop
    })
  )

  it.live("the late acknowledgement of a call that was running does not touch a new call", () =>
    Effect.gen(function* () {
      const { client, fn, stop, submit, executed, reset } = yield* setUp
      const gates = { old: new Gate(), new: new Gate(), last: new Gate() }
      gates.last.open()
      fn.answer(async (request, response) => {
        const id = request.header("X-Call-Id")
        await gates[id === "old" || id === "new" ? id : "last"].pass()
        response.end()
      })
      yield* submit("old")
      yield* fn.received(1)
      yield* reset
      yield* submit("new")
      yield* fn.received(2)

      // Both are the first of their stream. What follows on the same connection tells that the server has seen
      // the acknowledgement.
      gates.old.open()
      yield* fn.ended(1)
      yield* submit("last")
      yield* fn.received(3)
      yield* QueueState.holds(client, 1)
      expect((yield* QueueState.streamInfo(client)).state.first_seq).toBe(1)

      gates.new.open()
      yield* QueueState.isEmpty(client)
      expect(executed()).toEqual(["old", "new", "last"])
      yield* stop
    })
  )
})

it.live("an actor whose stream was deleted ends, though its calls wait for their retries", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const stranger = yield* Stranger.meet(nats.url)
    const fn = yield* HttpFunction.start({ answer: (_, response) => void response.writeHead(500).end() })
    const worker = yield* ShortLivedConsumers.startWorker(
      {
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        consumer_inactive_threshold: "1h",
        initial_retry_wait: "1h",
        max_retry_wait: "1h"
      },
      { serverThresholdMillis: 3_600_000 }
    )
    yield* stranger.publish("f", { Function: "f" })
    yield* stranger.givenBack(1)
    yield* Effect.promise(() => stranger.manager.streams.delete(QueueState.streamName))
    yield* worker.actorsEnded(1)
    expectResets(worker.log, 1)
  })
)

const modes = servers.flatMap((server) =>
  ["function", "static"].map((mode) => Object.assign({}, server, { mode }))
)

describe.concurrent.each(modes)("on $name in $mode mode, after a reset while calls run", ({ bin, mode }) => {
  it.live("no old acknowledgement, message id or ledger entry touches a new call of the same sequence", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const stranger = yield* Stranger.meet(nats.url)
      const receiver = yield* HttpFunction.start()
      const gates = { old: new Gate(), new: new Gate() }
      const fn = yield* HttpFunction.start({
        answer: async (request, response) => {
          const generation = request.header("X-Generation") === "old" ? "old" : "new"
          if (request.url === "/held/") await gates[generation].pass()
          const fails = request.url === "/retried/" && generation === "old"
          response.writeHead(fails ? 500 : 200).end(`${request.url} of the ${generation} queue`)
        }
      })
      const worker = yield* startWorker({
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        scaling_mode: mode,
        initial_retry_wait: "1h",
        max_retry_wait: "1h"
      })
      const publishBoth = (generation: string) =>
        Effect.forEach(["retried", "held"], (name) =>
          stranger.publish(name, {
            Function: name,
            Method: "POST",
            Header: { "X-Call-Id": [name], "X-Generation": [generation] },
            CallbackUrl: receiver.url
          })
        )

      expect(yield* publishBoth("old")).toEqual([1, 2])
      yield* fn.received(2)
      yield* stranger.givenBack(1)
      yield* Effect.promise(() => stranger.manager.streams.delete(QueueState.streamName))
      yield* worker.log.line(resetWarning)
      expect(yield* publishBoth("new")).toEqual([1, 2])
      yield* fn.received(4)
      // The old entry says: one attempt, and not before an hour has passed.
      yield* receiver.received(1)

      gates.old.open()
      yield* receiver.received(2)
      expect((yield* QueueState.streamInfo(stranger)).state.first_seq).toBe(2)
      gates.new.open()
      yield* receiver.received(3)
      yield* stranger.allFinished
      expect(receiver.requests.map(({ body, header }) => [body.toString(), header("X-Retry")])).toEqual([
        ["/retried/ of the new queue", "0"],
        ["/held/ of the old queue", "0"],
        ["/held/ of the new queue", "0"]
      ])
      expect(fn.requests).toHaveLength(4)
      expect(yield* stranger.deadLetters).toEqual([])
    })
  )
})
