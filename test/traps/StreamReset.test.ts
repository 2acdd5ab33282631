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
