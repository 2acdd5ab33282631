import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream, type QueueStreamOptions } from "../../src/queue/QueueStream.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import * as NatsProxy from "../support/NatsProxy.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { LogBook, logger, natsClient, run } from "../support/Sluice.ts"
import * as Turns from "../support/Turns.ts"

const options: QueueStreamOptions = { queue: "q", storage: "memory", replicas: 1 }

const connect = (url: string) => Nats.layer({ url, name: "test" }).pipe(Layer.provideMerge(QueueHealth.layer))

const open = (url: string, more: Partial<QueueStreamOptions> = {}) =>
  run(QueueStream.layer({ ...options, ...more }).pipe(Layer.provide(connect(url))))

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a program that another one has overtaken uses the stream of that one", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin })
      const { manager } = yield* natsClient(url)
      const connection = yield* Layer.build(connect(url))
      const slow = yield* Turns.begin(Context.get(connection, Nats), (nats) =>
        Layer.build(QueueStream.layer(options)).pipe(
          Effect.map((context) => Context.get(context, QueueStream)),
          Effect.provide(Context.add(connection, Nats, nats)),
          Effect.scoped
        )
      )
      // It has seen that there is none.
      yield* slow.turn
      const { created } = yield* Effect.promise(() =>
        manager.streams.add({ name: "OF_q", subjects: ["q", "q.>"], retention: "workqueue", discard: "new" })
      )
      expect((yield* slow.finish).created()).toBe(created)
    })
  )

  it.live(
    "a stream that is there gets the limits of the settings, and keeps those that they do not name",
    () =>
      Effect.gen(function* () {
        const { url } = yield* startNats({ bin })
        const { manager } = yield* natsClient(url)
        yield* open(url, { limits: { maxMessages: 10, maxBytes: 1_000 } })
        const { log } = yield* open(url, { limits: { maxMessages: 20, maxBytes: 0 } })
        expect(log.with("stream updated").map(({ fields }) => fields)).toEqual([
          { stream: "OF_q", max_msgs: 20 }
        ])
        const { config } = yield* Effect.promise(() => manager.streams.info("OF_q"))
        expect(config).toMatchObject({ max_msgs: 20, max_bytes: 1_000 })
      })
  )
})

it.live("a program whose connection is lost while it looks for the stream looks again", () =>
  Effect.gen(function* () {
    const { port } = yield* startNats()
    const proxy = yield* NatsProxy.start(port)
    const log = new LogBook()
    const connection = yield* Layer.build(connect(proxy.url))
    yield* proxy.silence("client")
    const starting = yield* Layer.build(QueueStream.layer(options)).pipe(
      Effect.provide(Layer.merge(Layer.succeedContext(connection), logger(log))),
      Effect.forkScoped
    )
    yield* proxy.heldBack("STREAM.INFO")
    yield* proxy.cut
    yield* Fiber.join(starting)
    expect(log.lines[0]?.message).toBe("the stream cannot be looked up or made yet, trying again")
    expect(log.with("stream created")).toHaveLength(1)
  })
)

it.live("whoever may not look at the stream of a queue is told what is missing", () =>
  Effect.gen(function* () {
    const { url, limitedUrl } = yield* LimitedUser.start({ publish: ["$JS.API.STREAM.INFO.>"] })
    yield* open(url)
    const lookUp = QueueStream.existing("q").pipe(Layer.provide(Nats.once({ url: limitedUrl, name: "test" })))
    const error = yield* Effect.flip(Layer.build(lookUp))
    expect(error.message).toMatch(/Permissions Violation.*has to be allowed to publish to/)
  })
)
