import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Result } from "effect"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import { Nats } from "../../src/queue/Nats.ts"
import * as QueueOverview from "../../src/queue/QueueOverview.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { natsClient, run } from "../support/Sluice.ts"

const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", "q"))
const [echo, other] = ["echo", "other"].map((name) => ({ name, namespace: "fns" }))

/** Two queues with a few calls, a result and a dead letter, among streams of somebody else. */
const prepare = Effect.fnUntraced(function* (bin: string) {
  const nats = yield* startNats({ bin })
  const { manager, jetstream } = yield* natsClient(nats.url)
  yield* Effect.promise(async () => {
    const workqueue = { retention: "workqueue", storage: "memory" } as const
    await manager.streams.add({ name: "OF_q", subjects: ["q", "q.>"], max_msgs: 100, ...workqueue })
    await manager.streams.add({ name: "OF_idle", subjects: ["idle.>"], ...workqueue })
    await manager.streams.add({ name: "OF_q_callbacks", subjects: ["q_callbacks.>"], ...workqueue })
    await manager.streams.add({ name: "OF_q_dead", subjects: ["q_dead.>"], storage: "memory" })
    await manager.streams.add({ name: "orders", subjects: ["orders"], ...workqueue })
    const stored = ["q.echo.fns", "q.other.fns", "q.other.fns", "q", "q_callbacks.x", "q_dead.echo.fns.1"]
    for (const subject of stored) await jetstream.publish(subject, "{}")
  })
  const connection = Nats.once({ url: nats.url, name: "test" })
  const { context } = yield* run(
    QueueOverview.OneQueue.layer(subjects).pipe(
      Layer.provide(QueueStream.existing("q")),
      Layer.provideMerge(connection)
    )
  )
  return { context, queue: Context.get(context, QueueOverview.OneQueue) }
})

describe.each(servers)("on $name", ({ bin }) => {
  it.live("every queue is told of with what waits in it and beside it, and nothing else is", () =>
    Effect.gen(function* () {
      const { context } = yield* prepare(bin)
      const queues = yield* Effect.provide(QueueOverview.all, context)
      expect(queues.toSorted((one, another) => one.queue.localeCompare(another.queue))).toMatchObject([
        { queue: "idle", calls: 0, oldest: null, callbacks: 0, deadLetters: 0, maxCalls: null },
        {
          queue: "q",
          stream: "OF_q",
          calls: 4,
          oldest: expect.stringMatching(/^\d{4}-.*Z$/),
          callbacks: 1,
          deadLetters: 1,
          storage: "memory",
          replicas: 1,
          maxCalls: 100,
          maxBytes: null
        }
      ])
    })
  )

  it.live("a queue's calls are counted by function, and only those that are meant are removed", () =>
    Effect.gen(function* () {
      const { queue } = yield* prepare(bin)
      const functions = yield* queue.functions
      expect(functions[0]).toEqual({ function: "other.fns", calls: 2 })
      // A call on a subject of no function is shown by that.
      expect(functions).toContainEqual({ function: "q", calls: 1 })
      expect(yield* queue.count(undefined)).toBe(4)
      expect(yield* queue.count(other)).toBe(2)
      expect(yield* queue.purge(other)).toBe(2)
      expect(yield* queue.count(other)).toBe(0)
      expect(yield* queue.count(echo)).toBe(1)
      expect(yield* queue.purge(undefined)).toBe(2)
      expect(yield* queue.functions).toEqual([])
    })
  )
})
