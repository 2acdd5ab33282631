import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger } from "effect"
import * as AttemptRecord from "../../src/domain/AttemptRecord.ts"
import { Ledger } from "../../src/queue/Ledger.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { eventually } from "../support/Eventually.ts"
import { fakeDelivery } from "../support/FakeDelivery.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import * as NatsProxy from "../support/NatsProxy.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { natsClient, run } from "../support/Sluice.ts"
import * as WireTap from "../support/WireTap.ts"

const created = "2026-11-20T00:00:00Z"
const subject = "q.echo.fns"
const bucket = "KV_OF_q_attempts"
const lifeMillis = 3_600_000

const layerOf = (url: string, life: number) =>
  Ledger.layer({ storage: "memory", replicas: 1, lifeMillis: life }).pipe(
    Layer.provide(
      QueueStream.layer({
        queue: "q",
        storage: "memory",
        replicas: 1
      })
    ),
    Layer.provide(Nats.layer({ url, name: "test" })),
    Layer.provide(QueueHealth.layer)
  )

/** The ledger of one worker, with a connection of its own. */
const open = Effect.fnUntraced(function* (url: string, life = lifeMillis) {
  const { context } = yield* run(layerOf(url, life))
  return Context.get(context, Ledger)
})

const start = Effect.fnUntraced(function* (bin?: string) {
  const nats = yield* startNats(bin === undefined ? {} : { bin })
  const client = yield* natsClient(nats.url)
  const requests: Array<string> = []
  const tap = yield* WireTap.start(nats.port, ({ verb, words: [subject = ""] }) => {
    if (verb.endsWith("PUB") && (subject.startsWith("$KV.") || subject.includes(".MSG."))) {
      requests.push(subject)
    }
  })
  const stored = Effect.promise(async () => (await client.manager.streams.info(bucket)).state.messages)
  return { nats, client, requests, stored, ledger: yield* open(tap.url), tap }
})

const deliver = (deliveryCount: number, streamSequence = 1) =>
  fakeDelivery({ deliveryCount, streamSequence, subject, streamCreated: created })

const failed = AttemptRecord.fail(500, 0)

describe.each(servers)("on $name", ({ bin }) => {
  it.live("no count is lost when several workers have the same call", () =>
    Effect.gen(function* () {
      const { nats, ledger, stored } = yield* start(bin)
      const other = yield* open(nats.url)
      yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) => (n % 2 === 0 ? ledger : other).write(deliver(1), failed),
        { concurrency: "unbounded", discard: true }
      )
      expect(yield* other.read(deliver(2))).toMatchObject({ attempts: 20, lastStatus: 500 })
      expect(yield* stored).toBe(1)
    })
  )

  it.live(
    "a call that somebody has given back is not blamed for it, not even in a write that is refused",
    () =>
      Effect.gen(function* () {
        const { nats, client, ledger } = yield* start(bin)
        const other = yield* open(nats.url)
        const records: Array<AttemptRecord.AttemptRecord> = []
        client.connection.subscribe("$KV.OF_q_attempts.>", {
          callback: (_, message) => void records.push(message.json())
        })
        yield* Effect.promise(() => client.connection.flush())
        yield* other.write(deliver(1), AttemptRecord.handBack(0))
        yield* ledger.write(deliver(2), AttemptRecord.handBack(0))
        yield* Effect.promise(() => client.connection.flush())
        expect(records.map(({ deliveryCount, unfinished }) => [deliveryCount, unfinished])).toEqual([
          [1, 0],
          [2, 0]
        ])
      })
  )

  it.live("an entry is gone when its call is finished, without a trace", () =>
    Effect.gen(function* () {
      const { client, ledger, stored } = yield* start(bin)
      yield* ledger.write(deliver(1), failed)
      yield* ledger.write(deliver(1, 2), failed)
      const last = deliver(2)
      yield* ledger.read(last)
      ledger.forget(last, Promise.resolve(true))
      yield* eventually(
        "the entry is gone",
        Effect.map(stored, (count) => count === 1)
      )
      const { state } = yield* Effect.promise(() =>
        client.manager.streams.info(bucket, { subjects_filter: ">" })
      )
      expect(Object.keys(state.subjects ?? {})).toEqual([
        expect.stringMatching(/^\$KV\..*\.q\.echo\.fns\.2$/)
      ])
    })
  )

  it.live(
    "after a lost consumer, calls that have an entry are found although they come for the first time",
    () =>
      Effect.gen(function* () {
        const { nats, ledger, requests } = yield* start(bin)
        yield* ledger.write(deliver(1, 5), failed)
        const other = yield* open(nats.url)
        yield* other.restore(subject, created)
        yield* other.restore("q.another.fns", created)
        requests.length = 0
        expect(yield* other.read(deliver(1, 6))).toBeUndefined()
        expect(requests).toEqual([])
        expect(yield* other.read(deliver(1, 5))).toMatchObject({ attempts: 1 })
        expect(yield* other.read(deliver(1, 4))).toBeUndefined()
      })
  )

  it.live("an operator may delete the bucket: what a worker has in hand is written again", () =>
    Effect.gen(function* () {
      const { client, ledger, nats } = yield* start(bin)
      const delivery = deliver(1)
      yield* ledger.write(delivery, AttemptRecord.handBack(0))
      yield* ledger.write(delivery, failed)
      yield* Effect.promise(() => client.manager.streams.delete(bucket))
      expect(yield* ledger.read(deliver(2))).toBeUndefined()
      expect(yield* ledger.write(delivery, failed)).toMatchObject({ attempts: 2 })

      yield* Effect.promise(() => client.manager.streams.delete(bucket))
      yield* (yield* open(nats.url)).write(deliver(1, 9), failed)
      expect(yield* ledger.write(delivery, failed)).toMatchObject({ attempts: 3 })
      expect(yield* ledger.read(deliver(3))).toMatchObject({ attempts: 3 })
    })
  )
})

it.live(
  "an entry stays when nobody knows that its call is gone, and the end waits for what is being forgotten",
  () =>
    Effect.gen(function* () {
      const { nats, stored } = yield* start()
      const { context, stop } = yield* run(layerOf(nats.url, lifeMillis))
      const ledger = Context.get(context, Ledger)
      const [kept, gone] = [deliver(1), deliver(1, 2)]
      yield* Effect.forEach([kept, gone], (delivery) => ledger.write(delivery, failed))
      const heard = Promise.withResolvers<boolean>()
      ledger.forget(kept, Promise.resolve(false))
      ledger.forget(gone, heard.promise)
      const ending = yield* Effect.forkChild(stop, { startImmediately: true })
      expect(yield* stored).toBe(2)
      heard.resolve(true)
      yield* Fiber.join(ending)
      expect(yield* stored).toBe(1)
    })
)

it.live("a call that its first delivery finishes costs no request", () =>
  Effect.gen(function* () {
    const { ledger, requests } = yield* start()
    yield* ledger.restore(subject, created)
    const delivery = deliver(1)
    expect(yield* ledger.read(delivery)).toBeUndefined()
    expect(ledger.hasEntry(delivery)).toBe(false)
    // What follows on the same connection comes later.
    yield* ledger.write(deliver(1, 2), failed)
    expect(requests).toEqual([expect.stringMatching(/^\$KV\..*\.2$/)])
  })
)

it.live("what a moved call brought along is its record, without a request, until a new one is written", () =>
  Effect.gen(function* () {
    const { ledger, requests, nats } = yield* start()
    const brought = AttemptRecord.ofNoDelivery({
      attempts: 2,
      unfinished: 0,
      notBefore: 0,
      consumer: "old",
      deliveryCount: 5,
      write: "w"
    })
    const moved = (deliveryCount: number) => ({ ...deliver(deliveryCount), movedWith: brought })
    const first = moved(1)
    expect(yield* ledger.read(first)).toEqual(brought)
    expect(requests).toEqual([])
    expect(yield* (yield* open(nats.url)).read(moved(2))).toEqual(brought)
    expect(yield* ledger.write(first, failed)).toMatchObject({ attempts: 3, deliveryCount: 1 })
    expect(yield* (yield* open(nats.url)).read(moved(2))).toMatchObject({ attempts: 3 })
  })
)

it.live("an entry that is no record costs no call, and one line in the log", () =>
  Effect.gen(function* () {
    const { client, ledger } = yield* start()
    for (const sequence of [1, 2]) {
      yield* ledger.write(deliver(1, sequence), failed)
      const { subjects = {} } = (yield* Effect.promise(() =>
        client.manager.streams.info(bucket, { subjects_filter: ">" })
      )).state
      const key = Object.keys(subjects).find((subject) => subject.endsWith(`.${sequence}`)) ?? ""
      yield* Effect.promise(() => client.jetstream.publish(key, '{"attempts":'))
    }
    const lines: Array<unknown> = []
    const logger = Logger.layer([Logger.make(({ message }) => void lines.push(message))])
    for (const sequence of [1, 2]) {
      const delivery = deliver(2, sequence)
      expect(yield* Effect.provide(ledger.read(delivery), logger)).toBeUndefined()
      expect(yield* ledger.write(delivery, failed)).toMatchObject({ attempts: 1 })
    }
    expect(lines).toHaveLength(1)
  })
)

it.live("a write whose confirmation is lost is made once", () =>
  Effect.gen(function* () {
    const { nats, ledger } = yield* start()
    const proxy = yield* NatsProxy.start(nats.port)
    const cutOff = yield* open(proxy.url)
    yield* cutOff.write(deliver(1), failed)
    const delivery = deliver(2)
    yield* cutOff.read(delivery)
    yield* proxy.silence("server")
    const writing = yield* Effect.forkScoped(cutOff.write(delivery, failed))
    yield* eventually(
      "it is stored",
      Effect.suspend(() => Effect.map(ledger.read(deliver(3)), (record) => record?.attempts === 2))
    )
    yield* proxy.cut
    expect(yield* Fiber.join(writing)).toMatchObject({ attempts: 2 })
    expect(yield* ledger.read(deliver(3))).toMatchObject({ attempts: 2 })
  })
)

it.live("a read that the connection is lost under is answered when it is back, and is not asked again", () =>
  Effect.gen(function* () {
    const { ledger, requests, tap } = yield* start()
    yield* ledger.write(deliver(1), failed)
    const proxy = yield* NatsProxy.start(Number(new URL(tap.url).port))
    const cutOff = yield* open(proxy.url)
    yield* proxy.silence("client")
    const delivery = deliver(2)
    const reading = yield* Effect.forkScoped(cutOff.read(delivery))
    yield* proxy.heldBack("STREAM.MSG.GET")
    yield* proxy.cut
    expect(yield* Fiber.join(reading)).toMatchObject({ attempts: 1 })
    requests.length = 0
    expect(yield* cutOff.read(delivery)).toMatchObject({ attempts: 1 })
    // What follows on the same connection comes later.
    yield* cutOff.write(deliver(1, 2), failed)
    expect(requests).toHaveLength(1)
  })
)

it.live("a worker that may not ask which calls have entries does not serve them", () =>
  Effect.gen(function* () {
    const { limitedUrl } = yield* LimitedUser.start({ publish: [`$JS.API.STREAM.INFO.${bucket}`] })
    const { reason } = yield* Effect.flip((yield* open(limitedUrl)).restore(subject, created))
    expect(reason).toBe("refused")
  })
)

it.live("entries outlive the longest wait, also when it has become longer", () =>
  Effect.gen(function* () {
    const { client, nats, ledger } = yield* start()
    yield* ledger.restore(subject, created)
    const life = Effect.promise(async () => (await client.manager.streams.info(bucket)).config.max_age / 1e6)
    expect(yield* life).toBe(lifeMillis)
    yield* (yield* open(nats.url, 2 * lifeMillis)).restore(subject, created)
    expect(yield* life).toBe(2 * lifeMillis)
    yield* ledger.restore(subject, created)
    expect(yield* life).toBe(2 * lifeMillis)
  })
)
