import { describe, expect, it } from "@effect/vitest"
import { DiscardPolicy, RetentionPolicy } from "@nats-io/jetstream"
import { Effect } from "effect"
import * as FunctionsYaml from "../support/FunctionsYaml.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import { type Environment, post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const dedicatedTo = (queue: string, more: Readonly<Record<string, string>> = {}) => ({
  annotations: { "com.openfaas.queue": queue, ...more }
})

const prepare = Effect.fnUntraced(function* (
  bin: string,
  queue: string,
  more: Readonly<Record<string, string>> = {}
) {
  const nats = yield* startNats({ bin })
  const fn = yield* HttpFunction.start()
  const { path, rewrite } = yield* FunctionsYaml.write([
    { name: "usual", url: fn.url },
    { name: "special", url: fn.url, ...dedicatedTo(queue, more) }
  ])
  const environment: Environment = { NATS_URL: nats.url, functions_file: path }
  const gateway = yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url, "OF_slow-jobs")
  const submit = (name: string) =>
    post(`${gateway.url}/async-function/${name}`, { headers: { "X-Call-Id": name } })
  const stored = (stream: string) =>
    Effect.promise(() =>
      stranger.manager.streams.info(stream).then(
        ({ state }) => state.messages,
        () => undefined
      )
    )
  return { fn, environment, gateway, stranger, submit, stored, rewrite }
})

describe.concurrent.each(servers)("functions with a queue of their own, on $name:", ({ bin }) => {
  it.live(
    "calls go to the queue that the function names, whose stream is made; a worker serves the one it is told",
    () =>
      Effect.gen(function* () {
        const { environment, fn, stored, stranger, submit } = yield* prepare(bin, "slow-jobs")
        expect((yield* submit("special")).status).toBe(202)
        expect((yield* submit("usual")).status).toBe(202)
        expect([yield* stored("OF_slow-jobs"), yield* stored(QueueState.streamName)]).toEqual([1, 1])
        const message = yield* Effect.promise(() =>
          stranger.manager.streams.getMessage("OF_slow-jobs", { seq: 1 })
        )
        expect(message?.subject).toBe("slow-jobs.special.openfaas-fn")
        expect(message?.json<{ QueueName: string }>().QueueName).toBe("slow-jobs")

        const worker = yield* startWorker({ ...environment, queue_name: "slow-jobs" })
        yield* fn.received(1)
        yield* stranger.acked(1)
        expect(fn.requests.map(({ header }) => header("X-Call-Id"))).toEqual(["special"])
        expect(yield* stored(QueueState.streamName)).toBe(1)
        expect(worker.log.troubles).toEqual([])
      })
  )

  it.live("an idle worker of that queue is woken up", () =>
    Effect.gen(function* () {
      const { environment, fn, submit } = yield* prepare(bin, "slow-jobs")
      yield* startWorker({ ...environment, queue_name: "slow-jobs", discovery_interval: "1h" })
      for (let n = 1; n <= 3; n++) {
        yield* submit("special")
        yield* fn.received(n)
      }
    })
  )

  it.live("after a reset of that queue the next call makes it again", () =>
    Effect.gen(function* () {
      const { stored, stranger, submit } = yield* prepare(bin, "slow-jobs")
      yield* submit("special")
      yield* Effect.promise(() => stranger.manager.streams.delete("OF_slow-jobs"))
      expect((yield* submit("special")).status).toBe(202)
      expect(yield* stored("OF_slow-jobs")).toBe(1)
    })
  )

  it.live("com.openfaas.queue.max_pending counts in the queue of the function", () =>
    Effect.gen(function* () {
      const { submit } = yield* prepare(bin, "slow-jobs", { "com.openfaas.queue.max_pending": "1" })
      expect((yield* submit("special")).status).toBe(202)
      expect((yield* submit("special")).status).toBe(429)
    })
  )
})

describe.concurrent.each(servers.slice(0, 1))("on $name,", ({ bin }) => {
  it.live.each(["Slow Jobs", "slow.jobs", "slow_dead", "x".repeat(129)])(
    "a queue that cannot be called %j is a problem of the function, and nothing is stored",
    (queue) =>
      Effect.gen(function* () {
        const { stored, stranger, submit } = yield* prepare(bin, queue)
        const answer = yield* submit("special")
        expect(answer.status).toBe(500)
        expect(JSON.parse(answer.body)).toMatchObject({ type: expect.stringContaining("bad-queue-name") })
        expect(JSON.parse(answer.body).detail).toContain("com.openfaas.queue=")
        expect(yield* stored(QueueState.streamName)).toBe(0)
        const streams = yield* Effect.promise(() => Array.fromAsync(stranger.manager.streams.list()))
        expect(streams).toHaveLength(1)
        expect((yield* submit("usual")).status).toBe(202)
      })
  )

  it.live("a queue whose stream would lose calls takes none, until somebody has changed it", () =>
    Effect.gen(function* () {
      const { gateway, stored, stranger, submit } = yield* prepare(bin, "slow-jobs")
      yield* Effect.promise(() =>
        stranger.manager.streams.add({
          name: "OF_slow-jobs",
          subjects: ["slow-jobs", "slow-jobs.>"],
          retention: RetentionPolicy.Workqueue,
          discard: DiscardPolicy.New,
          max_age: 60e9
        })
      )
      const refused = yield* submit("special")
      expect(refused.status).toBe(503)
      expect(JSON.parse(refused.body).detail).toContain("max_age")
      expect(yield* stored("OF_slow-jobs")).toBe(0)
      yield* gateway.log.line("a dedicated queue cannot be used")
      const readiness = yield* Effect.promise(() => fetch(`${gateway.operationsUrl}/readyz`))
      expect(readiness.status).toBe(200)

      yield* Effect.promise(() => stranger.manager.streams.update("OF_slow-jobs", { max_age: 0 }))
      expect((yield* submit("special")).status).toBe(202)
    })
  )
})
