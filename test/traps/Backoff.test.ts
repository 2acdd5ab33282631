import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import * as ShortLivedConsumers from "../support/ShortLivedConsumers.ts"
import * as Stranger from "../support/Stranger.ts"
import { natsClient, post, startGateway, startWorker } from "../support/Sluice.ts"

describe.concurrent.each(servers)("on $name", ({ bin }) => {
  it.live("a call that waits for a retry longer than the threshold keeps its attempt count", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const client = yield* natsClient(nats.url)
      const fn = yield* HttpFunction.start({
        answer: (_, response) => void response.writeHead(fn.requests.length === 1 ? 500 : 200).end()
      })
      const receiver = yield* HttpFunction.start()
      const environment = {
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        consumer_inactive_threshold: "200ms",
        initial_retry_wait: "3500ms",
        max_retry_wait: "3500ms"
      }
      const gateway = yield* startGateway(environment)
      yield* ShortLivedConsumers.startWorker(environment, { serverThresholdMillis: 1500 })

      yield* post(`${gateway.url}/async-function/flaky`, { headers: { "X-Callback-Url": receiver.url } })
      const [callback] = yield* receiver.received(1)
      expect(callback?.header("X-Function-Status")).toBe("200")
      expect(callback?.header("X-Retry")).toBe("1")
      yield* QueueState.isEmpty(client)
      expect(fn.requests).toHaveLength(2)
    })
  )
})

// One after the other: they take all the processor there is.
describe.each(servers)("on $name", ({ bin }) => {
  it.live("1,500 calls in back-off of one function do not stop its other calls", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const stranger = yield* Stranger.meet(nats.url)
      const fn = yield* HttpFunction.start({
        answer: ({ body }, response) => void response.writeHead(body.length === 0 ? 500 : 200).end()
      })
      yield* startWorker({
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        initial_retry_wait: "1h",
        max_retry_wait: "1h"
      })
      yield* Effect.replicateEffect(stranger.publish("f", { Function: "f" }), 1500, {
        concurrency: "unbounded",
        discard: true
      })
      yield* fn.received(1500)
      yield* stranger.publish("f", { Function: "f", Body: Buffer.from("good").toString("base64") })
      const requests = yield* fn.received(1501)
      expect(requests.at(-1)?.body.toString()).toBe("good")
      yield* QueueState.holds(stranger, 1500)
    })
  )
})
