import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ConsumerDeletions from "../support/ConsumerDeletions.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import * as ShortLivedConsumers from "../support/ShortLivedConsumers.ts"
import * as Stranger from "../support/Stranger.ts"
import { natsClient, post, startGateway, startWorker } from "../support/Sluice.ts"

const serverThresholdMillis = 2000

describe.concurrent.each(servers)("on $name", ({ bin }) => {
  it.live(
    "the actor is gone after the idle time, the consumer after the server's threshold, and the next call works",
    () =>
      Effect.gen(function* () {
        const nats = yield* startNats({ bin })
        const client = yield* natsClient(nats.url)
        const deletions = yield* ConsumerDeletions.watch(client)
        const fn = yield* HttpFunction.start()
        const environment = {
          NATS_URL: nats.url,
          function_url: `${fn.url}/{name}`,
          consumer_inactive_threshold: "100ms"
        }
        const gateway = yield* startGateway(environment)
        const worker = yield* ShortLivedConsumers.startWorker(environment, { serverThresholdMillis })
        const submit = post(`${gateway.url}/async-function/now-and-then`)

        yield* submit
        yield* fn.received(1)
        yield* worker.actorsEnded(1)
        const [consumer] = yield* QueueState.consumers(client)
        expect(consumer?.config.inactive_threshold).toBe(serverThresholdMillis * 1e6)

        // The consumer of an actor that has gone serves the next one.
        yield* submit
        yield* fn.received(2)
        yield* worker.actorsEnded(2)
        expect(deletions.names).toEqual([])

        yield* deletions.deleted(consumer?.name ?? "")
        expect(yield* QueueState.consumers(client)).toEqual([])
        yield* submit
        yield* fn.received(3)
        yield* QueueState.isEmpty(client)
        expect(fn.requests).toHaveLength(3)
      })
  )

  it.live("no consumer is deleted under a replica that has begun to use it while another one goes", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const stranger = yield* Stranger.meet(nats.url)
      const deletions = yield* ConsumerDeletions.watch(stranger)
      const gate = new Gate()
      const busy = yield* HttpFunction.start({
        answer: (_, response) => gate.pass().then(() => void response.end())
      })
      const idle = yield* HttpFunction.start()
      const environment = (functionUrl: string, idleTime: string) => ({
        NATS_URL: nats.url,
        function_url: `${functionUrl}/{name}`,
        ack_wait: "2s",
        consumer_inactive_threshold: idleTime
      })
      // No wake-up tells the worker that is about to go.
      const publish = stranger.publish("f", { Function: "f" })

      // The first worker sees that nothing is left, and hears of it only when the second one has a call.
      const looked = Promise.withResolvers<void>()
      const secondIsBusy = Promise.withResolvers<void>()
      const first = yield* ShortLivedConsumers.startWorker(environment(idle.url, "100ms"), {
        serverThresholdMillis,
        beforeAnswer: (unfinished) => {
          if (unfinished === 0) looked.resolve()
          return unfinished === 0 ? secondIsBusy.promise : Promise.resolve()
        }
      })
      yield* publish
      yield* idle.received(1)
      yield* Effect.promise(() => looked.promise)
      const second = yield* ShortLivedConsumers.startWorker(environment(busy.url, "10s"), {
        serverThresholdMillis
      })
      yield* publish
      yield* busy.received(1)
      secondIsBusy.resolve()
      yield* first.actorsEnded(1)
      yield* first.stop

      yield* deletions.outlast(2 * serverThresholdMillis)
      expect(deletions.names.filter((name) => name.startsWith("f="))).toEqual([])
      gate.open()
      yield* stranger.allFinished
      yield* second.stop
      expect([idle.requests.length, busy.requests.length]).toEqual([1, 1])
    })
  )

  it.live("a worker whose settings changed starts on the consumers and the stream of before", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const client = yield* natsClient(nats.url)
      const fn = yield* HttpFunction.start({
        answer: (request, response) =>
          void response.writeHead(request.header("X-Call-Id") === "before" ? 500 : 200).end()
      })
      const receiver = yield* HttpFunction.start()
      const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}` }
      const gateway = yield* startGateway(environment)
      const submit = (id: string) =>
        post(`${gateway.url}/async-function/f`, {
          headers: { "X-Call-Id": id, "X-Callback-Url": receiver.url }
        })

      const before = yield* startWorker({
        ...environment,
        ack_wait: "20s",
        initial_retry_wait: "2s",
        max_retry_wait: "2s"
      })
      yield* submit("before")
      yield* before.log.line("retry")
      yield* before.stop
      const [made] = yield* QueueState.consumers(client)
      const { created } = yield* QueueState.streamInfo(client)

      fn.answer((_, response) => void response.end())
      const after = yield* startWorker({
        ...environment,
        ack_wait: "7s",
        consumer_inactive_threshold: "90s",
        upstream_timeout: "40s"
      })
      yield* submit("after")
      const callbacks = yield* receiver.received(2)
      yield* QueueState.isEmpty(client)

      const [updated, ...more] = yield* QueueState.consumers(client)
      expect(more).toEqual([])
      expect(updated).toMatchObject({ name: made?.name, created: made?.created })
      expect(updated?.config).toMatchObject({ ack_wait: 7e9, inactive_threshold: 150e9 })
      expect((yield* QueueState.streamInfo(client)).created).toBe(created)
      expect(after.log.troubles).toEqual([])
      // What the server knew of the call that waited is still known.
      const retries = callbacks.map((request) => [request.header("X-Call-Id"), request.header("X-Retry")])
      expect(Object.fromEntries(retries)).toEqual({ before: "1", after: "0" })
    })
  )
})
