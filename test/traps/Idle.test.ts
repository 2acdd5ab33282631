import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as PullAccount from "../support/PullAccount.ts"
import { consumers, streamName } from "../support/QueueState.ts"
import { natsClient, post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

/** Waits until so many consumers are there, and none has an open pull or a call out. */
const allIdle = (client: Parameters<typeof consumers>[0], count: number) =>
  eventually(
    `${count} consumers are idle, without an open pull`,
    Effect.map(
      consumers(client),
      (all) =>
        all.length === count &&
        all.every(({ num_waiting, num_ack_pending }) => num_waiting + num_ack_pending === 0)
    )
  )

describe.each(servers)("on $name", ({ bin }) => {
  it.live(
    "with max_inflight=2 and fifty functions just served and idle, a call to the fifty-first runs at once",
    () =>
      Effect.gen(function* () {
        const nats = yield* startNats({ bin })
        const client = yield* natsClient(nats.url)
        const { account, url } = yield* PullAccount.keep(nats.port)
        const gate = new Gate()
        const fn = yield* HttpFunction.start({
          answer: (_, response) => gate.pass().then(() => void response.end())
        })
        const environment = {
          NATS_URL: nats.url,
          function_url: `${fn.url}/{name}`,
          max_inflight: "2",
          // Nothing helps but the wake-up.
          discovery_interval: "1h"
        }
        const gateway = yield* startGateway(environment)
        const call = (name: string) => post(`${gateway.url}/async-function/${name}`)
        yield* startWorker({ ...environment, NATS_URL: url })

        const fifty = Array.from({ length: 50 }, (_, index) => `f${index}`)
        gate.open()
        yield* Effect.forEach(fifty, call, { concurrency: 10 })
        yield* fn.ended(50)
        yield* allIdle(client, 50)
        expect([account.now(), account.deliveries]).toEqual([0, 50])

        // Nor do they keep anything after they were woken for nothing.
        const asked = account.asks.length
        for (const name of fifty)
          client.connection.publish("sluice.wake.faas-request", Stranger.subjectOf(name))
        yield* eventually("all of them have looked", () => account.asks.length >= asked + 50)
        yield* allIdle(client, 50)

        // Both slots are there for it.
        gate.close()
        yield* call("f50")
        yield* call("f50")
        yield* fn.received(52)
        expect(fn.inFlight("/f50/")).toBe(2)
        gate.open()
        yield* fn.ended(52)
      })
  )

  it.live("a pull request that the server does not answer is taken back, and not served later", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const gate = new Gate()
      const fn = yield* HttpFunction.start({
        answer: (_, response) => gate.pass().then(() => void response.end())
      })
      const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}` }
      yield* startWorker(environment)
      const stranger = yield* Stranger.meet(nats.url)
      yield* stranger.publish("a", { Function: "a", Method: "POST" })
      yield* fn.received(1)

      // The server keeps a request that it may not serve, until it may, without a word.
      const [consumer] = yield* consumers(stranger)
      yield* Effect.promise(() =>
        stranger.manager.consumers.update(streamName, consumer?.name ?? "", { max_ack_pending: 1 })
      )
      yield* stranger.publish("a", { Function: "a", Method: "POST" })
      yield* fn.received(2)
      gate.open()
      yield* stranger.allFinished
      expect(stranger.settlements.map(({ kind }) => kind)).toEqual(["ack", "ack"])
      yield* allIdle(stranger, 1)
    })
  )
})
