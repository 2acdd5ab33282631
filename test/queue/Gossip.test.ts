import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as App from "../../src/App.ts"
import type { News } from "../../src/domain/limiter/Limiter.ts"
import { Gossip } from "../../src/queue/Gossip.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { ArrivalCounter } from "../support/ArrivalCounter.ts"
import { eventually } from "../support/Eventually.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import * as RestartableNats from "../support/RestartableNats.ts"
import { natsClient, settings } from "../support/Sluice.ts"

const topic = "sluice.limits.faas-request"
const echo = { name: "echo", namespace: "openfaas-fn" }
const other = { name: "other", namespace: "openfaas-fn" }

const said = (holds: number) => ({ holds, gives: 0, wants: true, finds: 0, turn: 0 })

/** One worker's end of the gossip of a queue. */
const join = Effect.fnUntraced(function* (url: string, queue = "faas-request") {
  const values = settings("worker", { NATS_URL: url, queue_name: queue })
  const parts = Gossip.layer.pipe(
    Layer.provideMerge(App.queue(values, "worker", "memory")),
    Layer.provide(QueueHealth.layer)
  )
  const context = yield* Layer.build(parts)
  const { connection, connected } = Context.get(context, Nats)
  const gossip = Context.get(context, Gossip)
  /** What was said before has gone, and what was listened to is heard. */
  const flush = Effect.promise(() => connection.flush())
  return {
    tell: gossip.tell,
    flush,
    connected,
    /** Hears what the others say of a function. */
    listen: Effect.fnUntraced(function* (fn = echo) {
      const heard: Array<News> = []
      const arrivals = new ArrivalCounter()
      yield* gossip.listen(fn, (news) => {
        heard.push(news)
        arrivals.add()
      })
      yield* flush
      return { heard, has: (count: number) => Effect.as(arrivals.atLeast(count), heard) }
    })
  }
})

describe.each(servers)("the workers of a queue, on $name", ({ bin }) => {
  it.live("hear of each other and not of themselves, each under a name of its own", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const [first, second] = [yield* join(nats.url), yield* join(nats.url)]
      const [atFirst, atSecond] = [yield* first.listen(), yield* second.listen()]
      first.tell(echo, said(5))
      yield* first.flush
      second.tell(echo, said(0))
      expect(yield* atFirst.has(1)).toMatchObject([said(0)])
      expect(yield* atSecond.has(1)).toMatchObject([said(5)])
      expect(atFirst.heard[0]?.worker).not.toBe(atSecond.heard[0]?.worker)
    })
  )

  it.live("hear of the functions that they listen for, in their own queue, while they listen", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const [first, second] = [yield* join(nats.url), yield* join(nats.url)]
      const stranger = yield* join(nats.url, "slow")
      const ofOther = yield* Effect.scoped(
        Effect.gen(function* () {
          const ofOther = yield* second.listen(other)
          first.tell(other, said(1))
          yield* ofOther.has(1)
          return ofOther
        })
      )
      const ofEcho = yield* second.listen()
      stranger.tell(echo, said(2))
      yield* stranger.flush
      first.tell(other, said(3))
      first.tell(echo, said(4))
      expect(yield* ofEcho.has(1)).toMatchObject([said(4)])
      expect(ofOther.heard).toHaveLength(1)
    })
  )
})

it.live("what is no message of a worker is not heard, and what a newer one adds does no harm", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const worker = yield* join(nats.url)
    const { heard, has } = yield* worker.listen()
    const { connection } = yield* natsClient(nats.url)
    const good = { function: "echo.openfaas-fn", worker: "w", ...said(3) }
    const { wants: _, ...incomplete } = good
    const garbage = [
      "",
      "{",
      "null",
      "[]",
      new Uint8Array([0xff, 0xfe, 0x00]),
      incomplete,
      { ...good, function: 1 },
      { ...good, function: "__proto__" },
      { ...good, worker: "" },
      { ...good, holds: -1 },
      { ...good, holds: 1.5 },
      { ...good, holds: "3" },
      { ...good, wants: 1 },
      JSON.stringify(good).replace('"holds":3', '"holds":1e999')
    ]
    for (const each of garbage) {
      const isBytes = typeof each === "string" || each instanceof Uint8Array
      connection.publish(topic, isBytes ? each : JSON.stringify(each))
    }
    connection.publish(topic, JSON.stringify({ ...good, version: 2 }))
    yield* has(1)
    expect(heard).toEqual([{ worker: "w", ...said(3) }])
  })
)

it.live("what is said is small and not stored", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const worker = yield* join(nats.url)
    const client = yield* natsClient(nats.url)
    const sizes: Array<number> = []
    client.connection.subscribe(topic, { callback: (_, { data }) => void sizes.push(data.length) })
    yield* Effect.promise(() => client.connection.flush())
    worker.tell(echo, said(1000))
    yield* eventually("it is heard", () => sizes.length === 1)
    expect(sizes[0]).toBeLessThan(200)
    expect((yield* QueueState.streamInfo(client)).state.messages).toBe(0)
  })
)

it.live("what is said without a connection is lost, and all is well when it is back", () =>
  Effect.gen(function* () {
    const nats = yield* RestartableNats.start()
    const [first, second] = [yield* join(nats.url), yield* join(nats.url)]
    const atSecond = yield* second.listen()
    yield* nats.stop
    yield* eventually("the loss is noticed", () => !first.connected() && !second.connected())
    first.tell(echo, said(1))
    yield* nats.restart
    yield* eventually("both are back", () => first.connected() && second.connected())
    yield* second.flush
    first.tell(echo, said(2))
    expect(yield* atSecond.has(1)).toMatchObject([said(2)])
  })
)

it.live("a server that allows no gossip does no harm", () =>
  Effect.gen(function* () {
    const nats = yield* startNats({
      config: `authorization { users: [{ user: "a", password: "b", permissions: {
        publish: { deny: "sluice.limits.>" }, subscribe: { deny: "sluice.limits.>" } } }] }`
    })
    const worker = yield* join(nats.url.replace("//", "//a:b@"))
    const { heard } = yield* worker.listen()
    worker.tell(echo, said(1))
    yield* worker.flush
    expect(worker.connected()).toBe(true)
    expect(heard).toEqual([])
  })
)
