import { randomBytes } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import { RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { Effect } from "effect"
import { vi } from "vitest"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as LateReceiver from "../support/LateReceiver.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { type Environment, spawnProgram, startWorker } from "../support/Sluice.ts"
import * as QueueState from "../support/QueueState.ts"
import * as Stranger from "../support/Stranger.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 90_000 })

const prepare = Effect.fnUntraced(function* (nats: Parameters<typeof startNats>[0] = {}) {
  const { url } = yield* startNats(nats)
  const fn = yield* HttpFunction.start({ answer: (_, response) => void response.end("the result") })
  const stranger = yield* Stranger.meet(url)
  const callbacks = yield* Stranger.meet(url, Stranger.callbacksStream)
  const environment: Environment = { NATS_URL: url, function_url: `${fn.url}/{name}` }
  return { fn, stranger, callbacks, environment }
})

const call = { Method: "POST", Function: "echo", Header: { "X-Call-Id": ["call-7"] } }

const bodies = (receiver: HttpFunction.HttpFunction) => receiver.requests.map(({ body }) => body.toString())

const noCallbackWaits = ({ stranger }: Effect.Success<ReturnType<typeof prepare>>) =>
  eventually(
    "no callback waits",
    Effect.map(stranger.waitingCallbacks, (count) => count === 0)
  )

/** Names of the chunks of large results that are stored. */
const chunks = ({ manager }: Effect.Success<ReturnType<typeof Stranger.meet>>) =>
  Effect.promise(async () => {
    const { state } = await manager.streams.info("OBJ_OF_faas-request_results", {
      subjects_filter: "$O.*.C.>"
    })
    return Object.keys(state.subjects ?? {})
  })

describe.each(servers)("on $name", ({ bin }) => {
  it.live("while a receiver is down its function runs on; when it is up it gets each result once", () =>
    Effect.gen(function* () {
      const parts = yield* prepare({ bin })
      const { environment, fn, stranger } = parts
      const receiver = yield* LateReceiver.reserve
      yield* startWorker({ ...environment, max_inflight: "1" })
      for (let n = 0; n < 5; n++) yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
      // With one permit, every call had it after the result of the one before was stored.
      yield* stranger.acked(5)
      expect(yield* stranger.waitingCallbacks).toBe(5)
      const { received, requests } = yield* receiver.start
      yield* received(5)
      yield* noCallbackWaits(parts)
      expect(requests).toHaveLength(5)
      expect(fn.requests).toHaveLength(5)
      expect(yield* stranger.deadLetters).toEqual([])
    })
  )

  it.live("a worker killed after it has stored a result and before it was delivered runs no call again", () =>
    Effect.gen(function* () {
      const parts = yield* prepare({ bin })
      const { environment, fn, stranger } = parts
      const settings = { ...environment, ack_wait: "1s", callback_retry_max_wait: "50ms" }
      const receiver = yield* LateReceiver.reserve
      const worker = yield* spawnProgram(["worker"], settings)
      yield* worker.log.line("stream created")
      yield* eventually("the queue is there", QueueState.streamInfo(stranger))
      yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
      yield* worker.log.line("callback not taken")
      yield* worker.end("SIGKILL")
      expect(yield* stranger.waitingCallbacks).toBe(1)
      const started = yield* receiver.start
      yield* startWorker(settings)
      yield* started.received(1)
      yield* noCallbackWaits(parts)
      expect(bodies(started)).toEqual(["the result"])
      expect(fn.requests).toHaveLength(1)
    })
  )

  it.live("a call that is executed twice has one callback", () =>
    Effect.gen(function* () {
      const parts = yield* prepare({ bin })
      const { environment, fn, stranger } = parts
      const receiver = yield* HttpFunction.start()
      const gate = new Gate()
      fn.answer((_, response) => gate.pass().then(() => void response.end("the result")))
      yield* startWorker(environment)
      yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
      yield* fn.received(1)
      // As after a worker that died between storing the result and settling the call: it is delivered again.
      yield* stranger.forgetConsumers
      yield* startWorker(environment)
      yield* fn.received(2)
      gate.release(1)
      yield* receiver.received(1)
      yield* noCallbackWaits(parts)
      gate.open()
      yield* stranger.allFinished
      yield* stranger.acked(2)
      expect(yield* stranger.waitingCallbacks).toBe(0)
      expect(receiver.requests).toHaveLength(1)
    })
  )

  it.live(
    "a result larger than a message is delivered whole, after a retry too, and then gone from the store",
    () =>
      Effect.gen(function* () {
        const parts = yield* prepare({ bin, config: "max_payload: 64KB" })
        const { environment, fn, stranger } = parts
        const result = randomBytes(1_000_000)
        fn.answer((_, response) => void response.writeHead(201, { "X-Thing": "1" }).end(result))
        const receiver = yield* HttpFunction.start()
        let stored: ReadonlyArray<string> = []
        receiver.answer(async (_, response) => {
          if (receiver.requests.length === 1) {
            stored = await Effect.runPromise(chunks(stranger))
            response.writeHead(500).end()
          } else response.end()
        })
        yield* startWorker(environment)
        yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
        const [, taken] = yield* receiver.received(2)
        expect(taken?.body.equals(result)).toBe(true)
        expect(taken?.header("X-Function-Status")).toBe("201")
        expect(taken?.header("X-Thing")).toBe("1")
        expect(stored).toHaveLength(1)
        yield* noCallbackWaits(parts)
        yield* eventually(
          "the object is gone",
          Effect.map(chunks(stranger), (names) => names.length === 0)
        )
        expect(fn.requests).toHaveLength(1)
      })
  )

  it.live(
    "while the stream of callbacks is full results are kept, and no call is executed again for that",
    () =>
      Effect.gen(function* () {
        const parts = yield* prepare({ bin })
        const { environment, fn, stranger } = parts
        yield* Effect.promise(() =>
          stranger.manager.streams.add({
            name: Stranger.callbacksStream,
            subjects: ["faas-request_callbacks.>"],
            retention: RetentionPolicy.Workqueue,
            discard: "new",
            max_bytes: 1
          })
        )
        const receiver = yield* HttpFunction.start()
        const worker = yield* startWorker({ ...environment, ack_wait: "1s", max_inflight: "2" })
        for (let n = 0; n < 5; n++) yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
        yield* fn.received(2)
        yield* eventually(
          "both results are kept",
          () => worker.log.with("a result cannot be stored").length === 2
        )
        // Other functions get the slots.
        yield* stranger.publish("other", { Function: "other", Method: "POST" })
        yield* stranger.publish("other", { Function: "other", Method: "POST" })
        yield* stranger.acked(2)
        // For longer than `ack_wait` they are kept from being delivered again.
        yield* stranger.working(12)
        const callsOf = (name: string) => fn.requests.filter(({ url }) => url === `/${name}/`)
        expect(callsOf("echo")).toHaveLength(2)
        expect(stranger.settlements).toHaveLength(2)
        expect(worker.log.with("a result cannot be stored")).toHaveLength(2)

        yield* Effect.promise(() =>
          stranger.manager.streams.update(Stranger.callbacksStream, { max_bytes: -1 })
        )
        yield* receiver.received(5)
        yield* stranger.allFinished
        yield* noCallbackWaits(parts)
        expect(callsOf("echo")).toHaveLength(5)
        expect(receiver.requests).toHaveLength(5)
        expect(stranger.settlements.map(({ kind }) => kind)).toEqual(Array(7).fill("ack"))
      })
  )
})

it.live(
  "a result that cannot be stored goes back to the queue with its call when shutdown_grace is over",
  () =>
    Effect.gen(function* () {
      const { environment, fn, stranger } = yield* prepare()
      const receiver = yield* HttpFunction.start()
      const worker = yield* startWorker({ ...environment, shutdown_grace: "0s" })
      yield* Effect.promise(() => stranger.manager.streams.update(Stranger.callbacksStream, { max_bytes: 1 }))
      yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
      yield* worker.log.line("a result cannot be stored")
      yield* worker.stop
      yield* stranger.givenBack(1)
      expect(stranger.settlements).toMatchObject([{ kind: "nak" }])
      yield* Effect.promise(() =>
        stranger.manager.streams.update(Stranger.callbacksStream, { max_bytes: -1 })
      )
      yield* startWorker(environment)
      yield* receiver.received(1)
      expect(fn.requests).toHaveLength(2)
    })
)

it.live("a receiver that was down gets all results when it is up, with an adaptive limit too", () =>
  Effect.gen(function* () {
    const parts = yield* prepare()
    const { environment, fn, stranger } = parts
    const receiver = yield* LateReceiver.reserve
    const worker = yield* startWorker({ ...environment, limiter_enabled: "true" })
    for (let n = 0; n < 20; n++) yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
    yield* stranger.acked(20)
    yield* worker.log.line("callback not taken")
    const { received, requests } = yield* receiver.start
    yield* received(20)
    yield* noCallbackWaits(parts)
    expect(requests).toHaveLength(20)
    expect(fn.requests).toHaveLength(20)
  })
)

it.live("a result larger than the stream's own limit for messages is delivered whole", () =>
  Effect.gen(function* () {
    const { environment, fn, stranger } = yield* prepare()
    const result = randomBytes(20_000)
    fn.answer((_, response) => void response.end(result))
    const receiver = yield* HttpFunction.start()
    yield* startWorker(environment)
    yield* Effect.promise(() =>
      stranger.manager.streams.update(Stranger.callbacksStream, { max_msg_size: 10_000 })
    )
    yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
    const [callback] = yield* receiver.received(1)
    expect(callback?.body.equals(result)).toBe(true)
  })
)

it.live("the stream of callbacks is made again when somebody deletes it", () =>
  Effect.gen(function* () {
    const { environment, stranger } = yield* prepare()
    const receiver = yield* HttpFunction.start()
    yield* startWorker(environment)
    yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
    yield* receiver.received(1)
    yield* Effect.promise(() => stranger.manager.streams.delete(Stranger.callbacksStream))
    yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
    yield* receiver.received(2)
  })
)

it.live.each([
  { header: "1", delayMillis: 1_000 },
  { header: "0", delayMillis: 50 },
  { header: "86400", delayMillis: 3_600_000 }
])("a receiver that asks for $header s is tried again after $delayMillis ms", ({ delayMillis, header }) =>
  Effect.gen(function* () {
    const { callbacks, environment, fn, stranger } = yield* prepare()
    const receiver = yield* HttpFunction.start({
      answer: (_, response) => void response.writeHead(503, { "Retry-After": header }).end()
    })
    yield* startWorker({ ...environment, callback_retry_attempts: "1" })
    yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
    const [settlement] = yield* callbacks.givenBack(1)
    expect(settlement?.delayMillis).toBe(delayMillis)
    expect(fn.requests).toHaveLength(1)
  })
)

it.live("a receiver that hangs does not keep others from their results", () =>
  Effect.gen(function* () {
    const { environment, stranger } = yield* prepare()
    const gate = new Gate()
    const hanging = yield* HttpFunction.start({
      answer: (_, response) => gate.pass().then(() => void response.end())
    })
    const good = yield* HttpFunction.start()
    yield* startWorker({ ...environment, max_callbacks_inflight: "4" })
    for (let n = 0; n < 10; n++) yield* stranger.publish("echo", { ...call, CallbackUrl: hanging.url })
    yield* hanging.received(2)
    for (let n = 0; n < 10; n++) yield* stranger.publish("echo", { ...call, CallbackUrl: good.url })
    yield* good.received(10)
    expect(hanging.requests).toHaveLength(2)
    gate.open()
    yield* hanging.received(10)
  })
)

it.live(
  "a message in the stream of callbacks that is none is a dead letter, and the next one is served",
  () =>
    Effect.gen(function* () {
      const parts = yield* prepare()
      const { environment, stranger } = parts
      yield* startWorker(environment)
      yield* Effect.promise(() =>
        stranger.jetstream.publish("faas-request_callbacks.http-80-nowhere", "garbage")
      )
      yield* noCallbackWaits(parts)
      const [dead] = yield* stranger.deadLetters
      expect(dead?.message.toString()).toBe("garbage")
      expect(dead?.headers).toMatchObject({ "Sluice-Kind": "callback", "Sluice-Reason": "undecodable" })
    })
)

it.live("the large result of a callback that nobody took is kept as long as its dead letter", () =>
  Effect.gen(function* () {
    const parts = yield* prepare({ config: "max_payload: 64KB" })
    const { environment, fn, stranger } = parts
    fn.answer((_, response) => void response.end(randomBytes(100_000)))
    const receiver = yield* HttpFunction.start({
      answer: (_, response) => void response.writeHead(410).end()
    })
    yield* startWorker(environment)
    yield* stranger.publish("echo", { ...call, CallbackUrl: receiver.url })
    yield* stranger.acked(1)
    yield* noCallbackWaits(parts)
    const [dead] = yield* stranger.deadLetters
    expect(dead?.headers).toMatchObject({ "Sluice-Kind": "callback", "Sluice-Last-Status": "410" })
    expect(yield* chunks(stranger)).toHaveLength(1)
  })
)

it.live("the stream of callbacks is as it must be so that no result is lost", () =>
  Effect.gen(function* () {
    const { environment, stranger } = yield* prepare()
    yield* startWorker({ ...environment, callbacks_max_bytes: "1000000" })
    const { config } = yield* Effect.promise(() => stranger.manager.streams.info(Stranger.callbacksStream))
    expect(config).toMatchObject({
      retention: RetentionPolicy.Workqueue,
      discard: "new",
      storage: StorageType.File,
      max_age: 0,
      max_bytes: 1_000_000,
      subjects: ["faas-request_callbacks.>"],
      duplicate_window: 180e9
    })
  })
)
