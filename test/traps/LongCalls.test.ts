import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ConsumerDeletions from "../support/ConsumerDeletions.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import * as ShortLivedConsumers from "../support/ShortLivedConsumers.ts"
import { natsClient, post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const serverThresholdMillis = 2000
/** longer than the threshold and `ack_wait` */
const longMillis = 4500

describe.concurrent.each(servers)("on $name, a call that runs longer than", ({ bin }) => {
  const setUp = Effect.gen(function* () {
    const nats = yield* startNats({ bin })
    const client = yield* natsClient(nats.url)
    const deletions = yield* ConsumerDeletions.watch(client)
    const gate = new Gate()
    const fn = yield* HttpFunction.start({
      answer: (_, response) => gate.pass().then(() => void response.end())
    })
    const environment = {
      NATS_URL: nats.url,
      function_url: `${fn.url}/{name}`,
      ack_wait: "2s",
      consumer_inactive_threshold: "200ms",
      max_inflight: "2"
    }
    const gateway = yield* startGateway(environment)
    const submit = (id: string) =>
      post(`${gateway.url}/async-function/slow`, { headers: { "X-Call-Id": id } })
    const executed = () => fn.requests.map((request) => request.header("X-Call-Id")).sort()
    return { client, deletions, gate, fn, environment, submit, executed }
  })

  it.live("consumer_inactive_threshold and ack_wait, with every permit taken, is executed exactly once", () =>
    Effect.gen(function* () {
      const { client, deletions, gate, fn, environment, submit, executed } = yield* setUp
      yield* ShortLivedConsumers.startWorker(environment, { serverThresholdMillis })
      yield* Effect.forEach(["a", "b", "c"], submit)
      yield* fn.received(2)
      yield* deletions.outlast(longMillis)
      expect(fn.requests).toHaveLength(2)

      gate.open()
      yield* QueueState.isEmpty(client)
      expect(executed()).toEqual(["a", "b", "c"])
      expect(fn.maxInFlight()).toBe(2)
    })
  )

  it.live("ack_wait is not given to another worker that has room", () =>
    Effect.gen(function* () {
      const { client, deletions, gate, fn, environment, submit, executed } = yield* setUp
      yield* startWorker(environment)
      yield* submit("a")
      yield* fn.received(1)
      yield* startWorker(environment)
      yield* deletions.outlast(longMillis)

      gate.open()
      yield* QueueState.isEmpty(client)
      expect(executed()).toEqual(["a"])
    })
  )
})

it.live(
  "a running call that comes again to its worker, from a new consumer, is executed and settled once",
  () =>
    Effect.gen(function* () {
      const nats = yield* startNats()
      const stranger = yield* Stranger.meet(nats.url)
      const gate = new Gate()
      const fn = yield* HttpFunction.start({
        answer: async (request, response) => {
          if (request.header("X-Call-Id") === "long") await gate.pass()
          response.end()
        }
      })
      yield* startWorker({ NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ack_wait: "10m" })
      const publish = (id: string) => stranger.publish("f", { Function: "f", Header: { "X-Call-Id": [id] } })
      yield* publish("long")
      yield* fn.received(1)
      yield* stranger.forgetConsumers
      yield* publish("short")
      yield* fn.ended(1)
      gate.open()
      yield* stranger.allFinished
      expect(fn.requests.map((request) => request.header("X-Call-Id"))).toEqual(["long", "short"])
    })
)
