import { expect, it } from "@effect/vitest"
import { Context, type Duration, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as ScalingMode from "../../src/domain/ScalingMode.ts"
import * as SharedLane from "../../src/domain/SharedLane.ts"
import * as ModeClaim from "../../src/queue/ModeClaim.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { eventually } from "../support/Eventually.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import { startNats } from "../support/NatsServers.ts"
import { LogBook, logger, natsClient } from "../support/Sluice.ts"

/** A worker that wants to serve in function mode, and what it says meanwhile. */
const begin = Effect.fnUntraced(function* (url: string) {
  const log = new LogBook()
  const context = yield* Layer.build(
    QueueStream.layer({ queue: "q", storage: "memory", replicas: 1 }).pipe(
      Layer.provideMerge(Nats.layer({ url, name: "test" })),
      Layer.provideMerge(QueueHealth.layer)
    )
  )
  const claiming = yield* Layer.build(ModeClaim.layer("function")).pipe(
    Effect.provide(Layer.merge(Layer.succeedContext(context), logger(log))),
    Effect.forkScoped
  )
  const health = Effect.map(Context.get(context, QueueHealth).all, (all) =>
    all.find(({ name }) => name === "mode")
  )
  return { claiming, created: Context.get(context, QueueStream).created, health, log }
})

/** A queue's stream, and a worker in static mode of which there is no more than its consumer and its words. */
const meetRival = Effect.gen(function* () {
  const { url } = yield* startNats()
  const { connection, manager } = yield* natsClient(url)
  const said: Array<{ readonly state: string; readonly asks: boolean }> = []
  yield* Effect.promise(() =>
    manager.streams.add({
      name: "OF_q",
      subjects: ["q", "q.>"],
      retention: "workqueue",
      storage: "memory"
    })
  )
  const stream = yield* Effect.promise(() => manager.streams.info("OF_q"))
  connection.subscribe("sluice.mode.q", {
    callback: (_, message) => {
      const word = JSON.parse(message.string())
      if (word.worker !== "rival") said.push(word)
    }
  })
  return {
    url,
    /** what others have said */
    said,
    makeConsumer: Effect.promise(() =>
      manager.consumers.add("OF_q", {
        durable_name: SharedLane.consumerName(stream.created),
        ack_policy: "explicit"
      })
    ),
    consumers: Effect.promise(() => Array.fromAsync(manager.consumers.list("OF_q"))),
    say: (state: string) =>
      Effect.promise(() => {
        const word = { worker: "rival", mode: "static", state, asks: false }
        connection.publish("sluice.mode.q", JSON.stringify(word))
        return connection.flush()
      })
  }
})

it.effect(
  "a worker of the other mode that died without a word is waited for, and then its consumer goes",
  () =>
    Effect.gen(function* () {
      const { consumers, makeConsumer, say, url } = yield* meetRival
      yield* makeConsumer
      const { claiming, health, log } = yield* begin(url)
      const isTold = Effect.gen(function* () {
        yield* say("serving")
        yield* TestClock.adjust("500 millis")
        return log.with("waits until no worker in static mode serves the queue").length > 0
      })
      yield* eventually("it says whom it waits for", isTold)
      expect(yield* health).toMatchObject({ ok: false, detail: expect.stringMatching(/^waits until/) })

      yield* eventually(
        "it serves",
        Effect.map(TestClock.adjust("500 millis"), () => claiming.pollUnsafe() !== undefined)
      )
      yield* Fiber.join(claiming)
      expect(log.with("waits until")).toHaveLength(1)
      expect(log.with("the scaling mode of the queue has changed")).toMatchObject([
        { fields: { consumers_removed: 1 } }
      ])
      expect(yield* consumers).toEqual([])
      expect(yield* health).toMatchObject({ ok: true, detail: "function" })
    })
)

it.effect(
  "a worker that was stopped while it waited does not take its own silence for that of the others",
  () =>
    Effect.gen(function* () {
      const { makeConsumer, said, say, url } = yield* meetRival
      yield* makeConsumer
      yield* begin(url)
      const asks = (count: number, adjustment: Duration.Input) =>
        eventually(
          `it has asked ${count} times`,
          Effect.map(TestClock.adjust(adjustment), () => said.length >= count)
        )
      yield* asks(1, 0)
      yield* say("serving")
      yield* TestClock.adjust(3 * ScalingMode.RIVAL_MILLIS)
      yield* asks(said.length + 2, "500 millis")
      expect(said.filter(({ state }) => state !== "waiting")).toEqual([])
    })
)

it.effect.each(["gone", "silent"])(
  "consumers that workers of the other mode have made again go when those are %s",
  (end) =>
    Effect.gen(function* () {
      const { consumers, makeConsumer, said, say, url } = yield* meetRival
      const { claiming, health } = yield* begin(url)
      yield* eventually(
        "it serves",
        Effect.map(TestClock.adjust("100 millis"), () => claiming.pollUnsafe() !== undefined)
      )
      yield* makeConsumer
      yield* say("serving")
      yield* eventually(
        "it knows",
        Effect.map(health, (health) => health?.ok === false)
      )
      expect(yield* health).toMatchObject({ detail: expect.stringContaining("serve it in static mode") })
      const before = said.length
      yield* eventually(
        "it has asked for longer than somebody may be silent",
        Effect.gen(function* () {
          yield* say("serving")
          yield* TestClock.adjust("500 millis")
          return said.length > before + (2 * ScalingMode.RIVAL_MILLIS) / 500
        })
      )
      expect(yield* consumers).toHaveLength(1)
      if (end === "gone") yield* say("gone")
      const left = Effect.andThen(TestClock.adjust("500 millis"), consumers)
      yield* eventually(
        "they have gone",
        Effect.map(left, (all) => all.length === 0)
      )
      yield* eventually(
        "all is well",
        Effect.map(health, (health) => health?.ok === true)
      )
    })
)

it.live(
  "a worker that may not look at consumers ends and says why; one that may not hear others serves",
  () =>
    Effect.gen(function* () {
      const blind = yield* begin(
        (yield* LimitedUser.start({ publish: ["$JS.API.CONSUMER.LIST.>"] })).limitedUrl
      )
      const { message } = yield* Effect.flip(Fiber.join(blind.claiming))
      expect(message).toContain("NATS does not let us list the queue's consumers: Permissions Violation")
      expect(message).toContain("has to be allowed to publish to")
      const deaf = yield* begin((yield* LimitedUser.start({ subscribe: ["sluice.mode.>"] })).limitedUrl)
      yield* Fiber.join(deaf.claiming)
      expect(yield* deaf.health).toMatchObject({ ok: true })
    })
)
