import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as NatsProxy from "../support/NatsProxy.ts"
import { servers } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import * as RestartableNats from "../support/RestartableNats.ts"
import * as Stranger from "../support/Stranger.ts"
import { natsClient, startWorker } from "../support/Sluice.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const maxInflight = 6
const limitOfA = 2
/** The calls of "a" are few, so that they are finished while "b" still has some that wait. */
const idsOf = {
  a: Array.from({ length: 3 * limitOfA }, (_, index) => `a/${index}`),
  b: Array.from({ length: 4 * maxInflight }, (_, index) => `b/${index}`)
}
const ids = [...idsOf.a, ...idsOf.b]

describe.concurrent.each(servers)("on $name", ({ bin }) => {
  /** A worker behind a proxy, all its slots taken by held calls, and more calls waiting. */
  const setUp = Effect.fnUntraced(function* (options: { readonly ackWait: string }) {
    const nats = yield* RestartableNats.start({ bin })
    const proxy = yield* NatsProxy.start(nats.port)
    const gate = new Gate()
    const fn = yield* HttpFunction.start({
      answer: (_, response) => gate.pass().then(() => void response.end())
    })
    const functionsFile = join(yield* temporaryDirectory, "functions.yaml")
    yield* Effect.promise(() =>
      writeFile(
        functionsFile,
        `functions:
          - { name: a, url: "${fn.url}/a", annotations: { sluice.limit: "${limitOfA}" } }
          - { name: b, url: "${fn.url}/b" }`
      )
    )
    const worker = yield* startWorker({
      NATS_URL: proxy.url,
      functions_file: functionsFile,
      max_inflight: String(maxInflight),
      ack_wait: options.ackWait
    })
    const stranger = yield* Stranger.meet(nats.url)
    const publish = (name: "a" | "b") =>
      Effect.forEach(idsOf[name], (id) =>
        stranger.publish(name, { Function: name, Body: Buffer.from(id).toString("base64") })
      )
    yield* publish("a")
    yield* fn.received(limitOfA)
    yield* publish("b")
    yield* fn.received(maxInflight)

    const executed = () => fn.requests.map(({ body }) => body.toString())
    /** Lets the calls end one after the other, so that the worker has all it may have most of the time. */
    const finished = Effect.gen(function* () {
      while (new Set(executed()).size < ids.length) {
        const { length } = fn.requests
        if (gate.held === 0) yield* fn.received(length + 1)
        const ended = length - fn.inFlight()
        gate.release(1)
        yield* fn.ended(ended + 1)
      }
      gate.open()
      yield* Effect.scoped(Effect.flatMap(natsClient(nats.url), QueueState.isEmpty))
      expect(fn.maxInFlight("/a/")).toBe(limitOfA)
      expect(fn.maxInFlight()).toBe(maxInflight)
    })
    return { nats, proxy, gate, fn, worker, executed, finished }
  })

  it.live("the connection is cut while calls run: limits hold, each call is executed once", () =>
    Effect.gen(function* () {
      const { proxy, worker, executed, finished } = yield* setUp({ ackWait: "60s" })
      yield* proxy.cut
      yield* worker.log.line("NATS reconnect")
      yield* finished
      expect(executed()).toHaveLength(ids.length)
    })
  )

  // Not each once: a server may forget that it has just delivered a call when it is stopped.
  it.live("NATS is started again while calls run: limits hold, every call is finished", () =>
    Effect.gen(function* () {
      const { nats, worker, finished } = yield* setUp({ ackWait: "60s" })
      yield* nats.restart
      yield* worker.log.line("NATS reconnect")
      yield* finished
    })
  )

  it.live(
    "the connection is cut while a request for calls is open: limits hold, every call is finished",
    () =>
      Effect.gen(function* () {
        const { proxy, gate, fn, worker, finished } = yield* setUp({ ackWait: "1s" })
        yield* proxy.silence("client")
        gate.release(1)
        yield* fn.ended(1)
        yield* proxy.heldBack("CONSUMER.MSG.NEXT")
        yield* proxy.cut
        yield* worker.log.line("NATS reconnect")
        gate.open()
        yield* finished
      })
  )

  it.live("the connection is cut while calls are on their way: limits hold, every call is finished", () =>
    Effect.gen(function* () {
      const { proxy, gate, fn, worker, finished } = yield* setUp({ ackWait: "1s" })
      yield* proxy.silence("server")
      gate.release(2)
      yield* fn.ended(2)
      yield* proxy.heldBack("$JS.ACK")
      yield* proxy.cut
      yield* worker.log.line("NATS reconnect")
      yield* finished
    })
  )

  it.live("a request for calls is served after it was given up: limits hold, every call is finished", () =>
    Effect.gen(function* () {
      const { proxy, gate, fn, finished } = yield* setUp({ ackWait: "1s" })
      yield* proxy.silence("client")
      gate.release(2)
      yield* fn.ended(2)
      yield* proxy.heldBack("CONSUMER.MSG.NEXT")
      // The worker has given it up when it looks after the consumer.
      yield* proxy.heldBack("CONSUMER.INFO")
      yield* proxy.pass
      yield* finished
    })
  )
})
