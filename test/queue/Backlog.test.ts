import { expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Backlog } from "../../src/queue/Backlog.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { startNats } from "../support/NatsServers.ts"
import { natsClient } from "../support/Sluice.ts"

it.live("what is unfinished is counted by subject, and not in a stream that was made again", () =>
  Effect.gen(function* () {
    const { url } = yield* startNats()
    const { jetstream, manager } = yield* natsClient(url)
    const context = yield* Layer.build(
      Backlog.layer.pipe(
        Layer.provide(
          QueueStream.layer({
            queue: "q",
            storage: "memory",
            replicas: 1,
            limits: { maxMessages: 10, maxBytes: 1_000 }
          })
        ),
        Layer.provide(Nats.layer({ url, name: "test" })),
        Layer.provide(QueueHealth.layer)
      )
    )
    const { oldest, unfinished } = Context.get(context, Backlog)
    expect(yield* unfinished).toEqual({
      counts: new Map(),
      lastSequence: 0,
      messages: 0,
      bytes: 0,
      maxMessages: 10,
      maxBytes: 1_000
    })
    expect(yield* oldest("q.echo.fns")).toBeUndefined()

    const publish = (subject: string) => Effect.promise(() => jetstream.publish(subject, "{}"))
    yield* Effect.forEach(["q.echo.fns", "q.echo.fns", "q"], publish)
    expect(yield* unfinished).toMatchObject({
      counts: new Map([
        ["q.echo.fns", 2],
        ["q", 1]
      ]),
      lastSequence: 3,
      messages: 3
    })
    const first = yield* Effect.promise(() => manager.streams.getMessage("OF_q", { seq: 1 }))
    expect(yield* oldest("q.echo.fns")).toBe(first?.time.getTime())

    yield* Effect.promise(async () => {
      const { config } = await manager.streams.info("OF_q")
      await manager.streams.delete("OF_q")
      await manager.streams.add(config)
    })
    expect(yield* Effect.flip(unfinished)).toMatchObject({
      reason: "stream-gone",
      detail: "OF_q was deleted and made again"
    })
  })
)
