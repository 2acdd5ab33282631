import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import * as RestartableNats from "../support/RestartableNats.ts"
import { natsClient, post, spawnProgram, startBoth, startGateway, startWorker } from "../support/Sluice.ts"

type NatsServer = Effect.Success<ReturnType<typeof RestartableNats.start>>

const readiness = (operationsUrl: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${operationsUrl}/readyz`)
    return { status: response.status, body: await response.text() }
  })

const saysReady = (operationsUrl: string, wanted: 200 | 503) =>
  eventually(
    `/readyz says ${wanted}`,
    Effect.map(readiness(operationsUrl), ({ status }) => status === wanted)
  )

describe.concurrent("at start", () => {
  it.live.each(["gateway", "worker"])(
    "an unreachable NATS is waited for, with a clear message: sluice %s is ready when it comes",
    (program) =>
      Effect.gen(function* () {
        const nats = yield* RestartableNats.start()
        yield* nats.stop
        const { log } = yield* spawnProgram([program], { NATS_URL: nats.url })
        const { fields } = yield* log.line("listening")
        const operationsUrl = `http://127.0.0.1:${fields["metrics_port"]}`
        expect(yield* log.line("NATS cannot be reached, trying again")).toMatchObject({
          level: "warn",
          fields: { url: nats.url, reason: expect.stringContaining("refused") }
        })
        const waiting = yield* readiness(operationsUrl)
        expect(waiting.status).toBe(503)
        expect(waiting.body).toContain(`connecting to ${nats.url}`)

        yield* nats.restart
        yield* saysReady(operationsUrl, 200)
      })
  )
})

/** The ids of the calls in the queue. */
const storedIds = Effect.fnUntraced(function* (url: string) {
  const client = yield* natsClient(url)
  const { state } = yield* QueueState.streamInfo(client)
  const sequences = Array.from({ length: state.messages }, (_, index) => state.first_seq + index)
  return yield* Effect.forEach(sequences, (seq) =>
    Effect.promise(async () => {
      const message = await client.manager.streams.getMessage(QueueState.streamName, { seq })
      return message?.json<{ Header: { "X-Call-Id": [string] } }>().Header["X-Call-Id"][0] ?? ""
    })
  )
})

const outages = [
  {
    outage: "is killed and started again",
    begin: (nats: NatsServer) => nats.kill,
    end: (nats: NatsServer) => nats.restart
  },
  {
    outage: "is stopped and started again",
    begin: (nats: NatsServer) => nats.stop,
    end: (nats: NatsServer) => nats.restart
  },
  {
    outage: "stands still for a while",
    begin: (nats: NatsServer) => nats.suspend,
    end: (nats: NatsServer) => nats.resume
  }
]

describe.concurrent.each(outages)("when NATS $outage", ({ begin, end }) => {
  it.live("the gateway says so, refuses calls, loses none, stores none twice, and recovers by itself", () =>
    Effect.gen(function* () {
      const nats = yield* RestartableNats.start()
      const gateway = yield* startGateway({ NATS_URL: nats.url, publish_timeout: "500ms" })
      const accepted: Array<string> = []
      const refused: Array<string> = []
      let count = 0
      const submit = Effect.gen(function* () {
        const id = `call-${count++}`
        const answer = yield* post(`${gateway.url}/async-function/f`, { headers: { "X-Call-Id": id } })
        expect([202, 503]).toContain(answer.status)
        if (answer.status === 202) accepted.push(id)
        else if (answer.body.includes("was not stored")) refused.push(id)
        return answer.status
      })

      expect(yield* submit).toBe(202)
      // Some are on their way when it happens.
      yield* Effect.all([Effect.replicateEffect(submit, 20, { concurrency: "unbounded" }), begin(nats)], {
        concurrency: "unbounded"
      })
      yield* saysReady(gateway.operationsUrl, 503)
      expect(yield* submit).toBe(503)

      yield* end(nats)
      yield* saysReady(gateway.operationsUrl, 200)
      expect(yield* submit).toBe(202)

      const stored = yield* storedIds(nats.url)
      expect(new Set(stored).size).toBe(stored.length)
      expect(stored).toEqual(expect.arrayContaining(accepted))
      expect(refused.filter((id) => stored.includes(id))).toEqual([])
    })
  )
})

const cases = servers.flatMap((server) => outages.map((outage) => ({ ...server, ...outage })))

describe.concurrent.each(cases)("on $name, when NATS $outage", ({ bin, begin, end }) => {
  it.live("the worker says so, recovers by itself, and serves what was published after it", () =>
    Effect.gen(function* () {
      const nats = yield* RestartableNats.start({ bin })
      const fn = yield* HttpFunction.start()
      const worker = yield* startWorker({
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        consumer_inactive_threshold: "50ms"
      })
      const publish = (name: string) =>
        Effect.scoped(
          Effect.flatMap(natsClient(nats.url), ({ jetstream }) =>
            Effect.promise(() =>
              jetstream.publish(`faas-request.${name}.openfaas-fn`, JSON.stringify({ Function: name }))
            )
          )
        )
      const queueIsEmpty = Effect.scoped(Effect.flatMap(natsClient(nats.url), QueueState.isEmpty))
      yield* publish("known")
      yield* fn.received(1)
      yield* queueIsEmpty

      yield* begin(nats)
      yield* saysReady(worker.operationsUrl, 503)
      yield* end(nats)
      yield* publish("known")
      yield* publish("new")
      yield* fn.received(3)
      yield* saysReady(worker.operationsUrl, 200)
      yield* queueIsEmpty
      expect(fn.requests).toHaveLength(3)
      expect(worker.log.lines.filter(({ level }) => level === "Error")).toEqual([])
    })
  )
})

it.live("a queue that was only in NATS's memory is made again when NATS is started again", () =>
  Effect.gen(function* () {
    const nats = yield* RestartableNats.start()
    const fn = yield* HttpFunction.start()
    const { url, operationsUrl } = yield* startBoth({ NATS_URL: nats.url, function_url: `${fn.url}/{name}` })
    const submit = post(`${url}/async-function/f`)
    yield* submit
    yield* fn.received(1)
    yield* nats.kill
    yield* nats.restart
    yield* saysReady(operationsUrl, 200)
    expect((yield* submit).status).toBe(202)
    yield* fn.received(2)
  })
)
