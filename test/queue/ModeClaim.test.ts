import { expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
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

it.effect(
  "a worker of the other mode that died without a word is waited for, and then its consumer goes",
  () =>
    Effect.gen(function* () {
      const { url } = yield* startNats()
      const { connection, manager } = yield* natsClient(url)
      yield* Effect.promise(() =>
        manager.streams.add({
          name: "OF_q",
          subjects: ["q", "q.>"],
          retention: "workqueue",
          storage: "memory"
        })
      )
      const stream = yield* Effect.promise(() => manager.streams.info("OF_q"))
      yield* Effect.promise(() =>
        manager.consumers.add("OF_q", {
          durable_name: SharedLane.consumerName(stream.created),
          ack_policy: "explicit"
        })
      )
      const { claiming, health, log } = yield* begin(url)
      const word = { worker: "dead", mode: "static", state: "serving", asks: false }
      const isTold = Effect.gen(function* () {
        connection.publish("sluice.mode.q", JSON.stringify(word))
        yield* Effect.promise(() => connection.flush())
        yield* TestClock.adjust("500 millis")
        return log.with("waits until no worker in static mode serves the queue").length > 0
      })
      yield* eventually("it says whom it waits for", isTold)
      expect(yield* health).toMatchObject({ ok: false, detail: expect.stringMatching(/^waits until/) })

      yield* eventually(
        "it serves",
        Effect.map(TestClock.adjust(ScalingMode.RIVAL_MILLIS / 2), () => claiming.pollUnsafe() !== undefined)
      )
      yield* Fiber.join(claiming)
      expect(log.with("waits until")).toHaveLength(1)
      expect(log.with("the scaling mode of the queue has changed")).toMatchObject([
        { fields: { consumers_removed: 1 } }
      ])
      expect(yield* Effect.promise(() => Array.fromAsync(manager.consumers.list("OF_q")))).toEqual([])
      expect(yield* health).toMatchObject({ ok: true, detail: "function" })
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
