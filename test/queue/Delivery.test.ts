import { expect, it } from "@effect/vitest"
import { headers } from "@nats-io/transport-node"
import { Effect } from "effect"
import * as MovedCall from "../../src/domain/MovedCall.ts"
import * as Delivery from "../../src/queue/Delivery.ts"
import { ArrivalCounter } from "../support/ArrivalCounter.ts"
import { startNats } from "../support/NatsServers.ts"
import { natsClient } from "../support/Sluice.ts"

it.live("a delivery is settled once, whatever is said of it later, and what is none is none", () =>
  Effect.gen(function* () {
    const { url } = yield* startNats()
    const { connection, jetstream, manager } = yield* natsClient(url)
    const said: Array<string> = []
    const arrivals = new ArrivalCounter()
    connection.subscribe("$JS.ACK.>", {
      callback: (_, message) => {
        said.push(message.string())
        arrivals.add()
      }
    })
    const deliver = Effect.promise(async () => {
      const message = await connection.request("$JS.API.CONSUMER.MSG.NEXT.OF_q.c", "1", {
        noMux: true,
        timeout: 10_000
      })
      return Delivery.fromMessage(message, connection, "2026-11-20T00:00:00Z", "c")
    })
    const answer = yield* Effect.promise(async () => {
      await manager.streams.add({ name: "OF_q", subjects: ["q.>"], storage: "memory" })
      await manager.consumers.add("OF_q", { durable_name: "c", ack_policy: "explicit" })
      await jetstream.publish("q.echo.fns", "first")
      await jetstream.publish("q.echo.fns", "second")
      return connection.request("$JS.API.INFO")
    })
    const [first, second] = [yield* deliver, yield* deliver]
    expect([first?.streamSequence, second?.streamSequence]).toEqual([1, 2])
    expect(Delivery.fromMessage(answer, connection, "2026-11-20T00:00:00Z", "c")).toBeUndefined()

    first?.working()
    expect(first?.settled()).toBe(false)
    first?.ack()
    first?.nak(0)
    first?.working()
    expect(first?.settled()).toBe(true)
    second?.nak(1_500)
    second?.ack()
    yield* arrivals.atLeast(3)
    expect(said).toEqual(["+WPI", "+ACK", '-NAK {"delay":1500000000}'])
  })
)

it.live("a call that was moved is as old as it was, and what strangers write there is nothing", () =>
  Effect.gen(function* () {
    const { url } = yield* startNats()
    const { connection, jetstream, manager } = yield* natsClient(url)
    const deliver = (moved: string) =>
      Effect.promise(async () => {
        const past = headers()
        past.set("Sluice-Moved", moved)
        await jetstream.publish("q.echo.fns", "call", { headers: past })
        const message = await connection.request("$JS.API.CONSUMER.MSG.NEXT.OF_q.c", "1", {
          noMux: true,
          timeout: 10_000
        })
        return Delivery.fromMessage(message, connection, "2026-11-20T00:00:00Z", "c")
      })
    yield* Effect.promise(async () => {
      await manager.streams.add({ name: "OF_q", subjects: ["q.>"], storage: "memory" })
      await manager.consumers.add("OF_q", { durable_name: "c", ack_policy: "explicit" })
    })
    const record = { attempts: 2, unfinished: 1, notBefore: 0, consumer: "old", deliveryCount: 4, write: "w" }
    const moved = yield* deliver(MovedCall.encode({ acceptedMillis: 1_000, record }))
    expect(moved?.acceptedMillis).toBe(1_000)
    expect(moved?.movedWith).toMatchObject({ attempts: 2, unfinished: 1 })
    const fresh = yield* deliver(MovedCall.encode({ acceptedMillis: 1_000 }))
    expect([fresh?.acceptedMillis, fresh?.movedWith]).toEqual([1_000, undefined])
    const odd = yield* deliver('{"acceptedMillis":"now"}')
    expect(odd?.acceptedMillis).toBeGreaterThan(1_000)
    expect(odd?.movedWith).toBeUndefined()
  })
)

/** A work queue with one call, which a consumer that can be deleted and made again delivers. */
const oneCall = Effect.gen(function* () {
  const { url } = yield* startNats()
  const { connection, jetstream, manager } = yield* natsClient(url)
  yield* Effect.promise(async () => {
    await manager.streams.add({ name: "OF_q", subjects: ["q.>"], storage: "memory", retention: "workqueue" })
    await jetstream.publish("q.echo.fns", "call")
  })
  return {
    deliver: Effect.promise(async () => {
      await manager.consumers.add("OF_q", { durable_name: "c", ack_policy: "explicit" })
      const message = await connection.request("$JS.API.CONSUMER.MSG.NEXT.OF_q.c", "1", {
        noMux: true,
        timeout: 10_000
      })
      const delivery = Delivery.fromMessage(message, connection, "2026-11-20T00:00:00Z", "c")
      return delivery ?? Promise.reject(new Error("no delivery"))
    }),
    deleteConsumer: Effect.promise(() => manager.consumers.delete("OF_q", "c")),
    stored: Effect.promise(async () => (await manager.streams.info("OF_q")).state.messages)
  }
})

/** Whether the call is known to be removed. */
const acknowledged = (delivery: Delivery.Delivery) =>
  Effect.callback<boolean>((resume) => delivery.ack((removed) => resume(Effect.succeed(removed))))

it.live("a call that has come again is settled by what is said of its later delivery", () =>
  Effect.gen(function* () {
    const { deleteConsumer, deliver, stored } = yield* oneCall
    const first = yield* deliver
    yield* deleteConsumer
    first.renewal = yield* deliver
    expect(yield* acknowledged(first)).toBe(true)
    expect(yield* stored).toBe(0)
  })
)

it.live("who acknowledges a delivery of a consumer that is gone hears that the call is not removed", () =>
  Effect.gen(function* () {
    const { deleteConsumer, deliver, stored } = yield* oneCall
    const delivery = yield* deliver
    yield* deleteConsumer
    expect(yield* acknowledged(delivery)).toBe(false)
    expect(yield* stored).toBe(1)
  })
)
