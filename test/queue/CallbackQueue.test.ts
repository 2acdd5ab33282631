import { expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { CallbackQueue } from "../../src/queue/CallbackQueue.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { WakeUps } from "../../src/queue/WakeUps.ts"
import { startNats } from "../support/NatsServers.ts"
import { natsClient } from "../support/Sluice.ts"

it.live("a result is stored once, also when an operator has deleted its stream; else it says why not", () =>
  Effect.gen(function* () {
    const { url } = yield* startNats()
    const { manager } = yield* natsClient(url)
    const context = yield* Layer.build(
      CallbackQueue.layer.pipe(
        Layer.provide(WakeUps.layer),
        Layer.provide(
          QueueStream.callbacksLayer({
            queue: "q",
            storage: "memory",
            replicas: 1,
            duplicateWindowMillis: 120_000
          })
        ),
        Layer.provide(Nats.layer({ url, name: "test" })),
        Layer.provide(QueueHealth.layer)
      )
    )
    const { hasLeft, store } = Context.get(context, CallbackQueue)
    const callback = { id: "callback-1", url: "http://receiver/done", message: Buffer.from("done") }
    expect(yield* store(callback)).toBe(true)
    expect(yield* store(callback)).toBe(false)
    const name = "OF_q_callbacks"
    yield* Effect.promise(() => manager.streams.deleteMessage(name, 1))
    expect(yield* hasLeft(1)).toBe(true)

    yield* Effect.promise(() => manager.streams.delete(name))
    expect(yield* store(callback)).toBe(true)

    yield* Effect.promise(() => manager.streams.delete(name))
    yield* Effect.promise(() => manager.streams.add({ name: "theirs", subjects: ["q_callbacks.other"] }))
    expect(yield* Effect.flip(store(callback))).toMatchObject({
      reason: "refused",
      detail: expect.stringMatching(/^OF_q_callbacks did not take a callback: subjects overlap/)
    })
  })
)
