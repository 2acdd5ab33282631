import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import { type Environment, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import * as WireTap from "../support/WireTap.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 90_000 })

const call = (name: string, id: string) => ({
  Function: name,
  Method: "POST",
  Header: { "X-Call-Id": [id] },
  Body: Buffer.from(`for ${id}`).toString("base64")
})

/** Where it passes, the call is stored; a worker that is killed there never hears of it. */
const isConfirmation = ({ payload, verb }: WireTap.Said) =>
  verb === "MSG" && /^\{"stream":"OF_faas-request", ?"seq":\d+/.test(payload)

/** A worker that is killed there. */
const startDoomed = Effect.fnUntraced(function* (natsPort: number, environment: Environment) {
  let pid: number | undefined
  const wire = yield* WireTap.start(natsPort, (said) => {
    if (pid !== undefined && isConfirmation(said)) process.kill(pid, "SIGKILL")
  })
  const worker = yield* spawnProgram(["worker"], { ...environment, NATS_URL: wire.url })
  pid = worker.pid
  return worker
})

const prepare = Effect.fnUntraced(function* (bin: string, more: Environment = {}) {
  const nats = yield* startNats({ bin })
  const fn = yield* HttpFunction.start()
  const environment: Environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...more }
  const gateway = yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  const publish = (message: object | string) =>
    Effect.promise(() =>
      stranger.jetstream.publish(
        "faas-request",
        typeof message === "string" ? message : JSON.stringify(message)
      )
    )
  return { nats, fn, environment, gateway, stranger, publish }
})

const seenBy = (fn: HttpFunction.HttpFunction) =>
  fn.requests.map(({ body, header, url }) => [url, header("X-Call-Id"), body.toString()])

describe.concurrent.each(servers)("calls on the bare subject of a queue, on $name:", ({ bin }) => {
  it.live("each is moved to its function's subject and executed once, whichever worker moves it", () =>
    Effect.gen(function* () {
      const { environment, fn, publish, stranger } = yield* prepare(bin)
      const names = Array.from({ length: 30 }, (_, n) => (n % 2 === 0 ? "even" : "odd.there"))
      for (const [n, name] of names.entries()) yield* publish(call(name, String(n)))
      const workers = yield* Effect.all([startWorker(environment), startWorker(environment)])
      yield* fn.received(names.length)
      yield* publish(call("late", "late"))
      yield* fn.received(names.length + 1)
      yield* stranger.allFinished
      expect(seenBy(fn).toSorted()).toEqual(
        [
          ...names.map((name, n) => [`/${name.split(".")[0]}/`, String(n), `for ${n}`]),
          ["/late/", "late", "for late"]
        ].toSorted()
      )
      const filters = (yield* QueueState.consumers(stranger)).map(({ config }) => config.filter_subject)
      expect(filters.toSorted()).toEqual([
        "faas-request",
        "faas-request.even.openfaas-fn",
        "faas-request.late.openfaas-fn",
        "faas-request.odd.there"
      ])
      expect(workers.flatMap(({ log }) => log.troubles)).toEqual([])
    })
  )

  it.live("calls that fill the queue are executed where they are, retries included", () =>
    Effect.gen(function* () {
      const few = { max_queue_messages: "3", initial_retry_wait: "0s", limiter_enabled: "false" }
      const { environment, fn, publish, stranger } = yield* prepare(bin, few)
      fn.answer((_, response) => void response.writeHead(fn.requests.length === 1 ? 500 : 200).end())
      for (const id of ["a", "b", "c"]) yield* publish(call("echo", id))
      yield* startWorker(environment)
      yield* fn.received(4)
      yield* stranger.allFinished
      expect(new Set(fn.requests.map(({ header }) => header("X-Call-Id")))).toEqual(new Set(["a", "b", "c"]))
    })
  )

  it.live("a worker that dies between storing a call anew and settling the old one doubles nothing", () =>
    Effect.gen(function* () {
      const { environment, fn, nats, publish, stranger } = yield* prepare(bin, { ack_wait: "1s" })
      const worker = yield* startDoomed(nats.port, environment)
      yield* publish(call("old", "1"))
      expect(yield* worker.exit).toBe(null)
      expect(yield* stranger.unfinished).toBe(2)
      expect(fn.requests).toHaveLength(0)

      yield* startWorker(environment)
      yield* stranger.allFinished
      expect(seenBy(fn)).toEqual([["/old/", "1", "for 1"]])
    })
  )

  it.live("the same when it dies in front of a stream that forgets message ids before ack_wait is over", () =>
    Effect.gen(function* () {
      const { environment, fn, nats, publish, stranger } = yield* prepare(bin, { ack_wait: "35s" })
      yield* Effect.promise(() =>
        stranger.manager.streams.update(QueueState.streamName, { duplicate_window: 30e9 })
      )
      const worker = yield* startDoomed(nats.port, environment)
      yield* publish(call("old", "1"))
      yield* worker.exit
      yield* startWorker(environment)
      yield* stranger.acked(2)
      yield* stranger.allFinished
      expect(seenBy(fn)).toEqual([["/old/", "1", "for 1"]])
    })
  )

  it.live("what cannot be read or names no function is a dead letter", () =>
    Effect.gen(function* () {
      const { environment, fn, publish, stranger } = yield* prepare(bin)
      const messages = ["no JSON", JSON.stringify({ Function: "no such name!" })]
      for (const message of messages) yield* publish(message)
      yield* startWorker(environment)
      yield* stranger.acked(2)
      yield* stranger.allFinished
      const letters = yield* stranger.deadLetters
      expect(letters.map(({ message }) => message.toString()).toSorted()).toEqual(messages.toSorted())
      expect(letters.map(({ headers }) => headers["Sluice-Reason"])).toEqual(["undecodable", "undecodable"])
      expect(fn.requests).toEqual([])
    })
  )

  it.live("after a reset of the queue a new one is moved like the old one of the same sequence", () =>
    Effect.gen(function* () {
      const { environment, fn, publish, stranger } = yield* prepare(bin)
      const worker = yield* startWorker(environment)
      expect((yield* publish(call("f", "old"))).seq).toBe(1)
      yield* fn.received(1)
      yield* stranger.allFinished
      yield* Effect.promise(() => stranger.manager.streams.delete(QueueState.streamName))
      yield* worker.log.line("was deleted and made again")
      expect((yield* publish(call("f", "new"))).seq).toBe(1)
      yield* fn.received(2)
      yield* stranger.allFinished
      expect(seenBy(fn).map(([, id]) => id)).toEqual(["old", "new"])
    })
  )
})
