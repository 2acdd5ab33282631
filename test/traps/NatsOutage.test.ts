import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers } from "../support/NatsServers.ts"
import * as NatsProxy from "../support/NatsProxy.ts"
import * as QueueState from "../support/QueueState.ts"
import * as RestartableNats from "../support/RestartableNats.ts"
import * as Stranger from "../support/Stranger.ts"
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

describe("at start", () => {
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

/** Waits until the function has been called so many times at this path. */
const calledTimes = (fn: HttpFunction.HttpFunction, path: string, count: number): Effect.Effect<void> =>
  Effect.suspend(() =>
    fn.requests.filter(({ url }) => url === path).length >= count
      ? Effect.void
      : Effect.andThen(fn.received(fn.requests.length + 1), calledTimes(fn, path, count))
  )

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

      const isAccepted = eventually(
        "a call is accepted",
        Effect.map(submit, (status) => status === 202)
      )
      yield* isAccepted
      // Some are on their way when it happens.
      yield* Effect.all([Effect.replicateEffect(submit, 20, { concurrency: "unbounded" }), begin(nats)], {
        concurrency: "unbounded"
      })
      yield* saysReady(gateway.operationsUrl, 503)
      expect(yield* submit).toBe(503)

      yield* end(nats)
      yield* saysReady(gateway.operationsUrl, 200)
      yield* isAccepted

      const stored = yield* storedIds(nats.url)
      expect(new Set(stored).size).toBe(stored.length)
      expect(stored).toEqual(expect.arrayContaining(accepted))
      expect(refused.filter((id) => stored.includes(id))).toEqual([])
    })
  )
})

it.live("while NATS is away a call is refused for that, not for its size", () =>
  Effect.gen(function* () {
    const nats = yield* RestartableNats.start()
    const proxy = yield* NatsProxy.start(nats.port)
    const gateway = yield* startGateway({ NATS_URL: proxy.url })
    yield* nats.kill
    // From the first attempt to connect again the client knows nothing of the server.
    yield* proxy.dialled(2)
    expect((yield* post(`${gateway.url}/async-function/f`)).status).toBe(503)
  })
)

const cases = servers.flatMap((server) => outages.map((outage) => Object.assign({}, server, outage)))

describe.concurrent.each(cases)("on $name, when NATS $outage", ({ bin, begin, end }) => {
  it.live("the worker says so, recovers by itself, and serves what was published after it", () =>
    Effect.gen(function* () {
      const nats = yield* RestartableNats.start({ bin })
      const fn = yield* HttpFunction.start({
        answer: ({ url }, response) => void response.writeHead(url === "/failing/" ? 500 : 200).end()
      })
      const worker = yield* startWorker({
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        consumer_inactive_threshold: "50ms",
        initial_retry_wait: "1h",
        max_retry_wait: "1h"
      })
      // A client that is new each time: the outage is not about it.
      const asStranger = <A>(
        use: (stranger: Effect.Success<ReturnType<typeof Stranger.meet>>) => Effect.Effect<A>
      ) => Effect.scoped(Effect.flatMap(Stranger.meet(nats.url), use))
      const publish = (...names: ReadonlyArray<string>) =>
        asStranger((stranger) => Effect.forEach(names, (name) => stranger.publish(name, { Function: name })))
      const onlyTheFailingIsLeft = asStranger((stranger) => QueueState.holds(stranger, 1))

      // The actor of a call in back-off looks for it all the while, also during the outage.
      yield* publish("failing", "known")
      yield* fn.received(2)
      yield* onlyTheFailingIsLeft

      yield* begin(nats)
      yield* saysReady(worker.operationsUrl, 503)
      yield* end(nats)
      yield* publish("known", "new")
      // Also others may come again: 2.9 may forget deliveries and acknowledgements when it is killed.
      yield* calledTimes(fn, "/known/", 2)
      yield* calledTimes(fn, "/new/", 1)
      yield* saysReady(worker.operationsUrl, 200)
      expect(worker.log.lines.filter(({ level }) => level === "Error")).toEqual([])
    })
  )
})

it.live("a connection that is lost in the middle of an actor's question does not end the actor", () =>
  Effect.gen(function* () {
    const nats = yield* RestartableNats.start()
    const proxy = yield* NatsProxy.start(nats.port)
    const fn = yield* HttpFunction.start({ answer: (_, response) => void response.writeHead(500).end() })
    const worker = yield* startWorker({
      NATS_URL: proxy.url,
      function_url: `${fn.url}/{name}`,
      consumer_inactive_threshold: "50ms",
      initial_retry_wait: "1h",
      max_retry_wait: "1h"
    })
    const stranger = yield* Stranger.meet(nats.url)
    const publish = stranger.publish("failing", { Function: "failing" })
    yield* publish
    yield* stranger.givenBack(1)
    yield* proxy.silence("server")
    yield* proxy.heldBack("num_ack_pending")
    yield* proxy.cut
    yield* worker.log.line("NATS reconnect")
    yield* publish
    yield* fn.received(2)
    expect(worker.log.lines.filter(({ level }) => level === "Error")).toEqual([])
  })
)

it.live("a queue that was only in NATS's memory is made again when NATS is started again", () =>
  Effect.gen(function* () {
    const nats = yield* RestartableNats.start()
    const fn = yield* HttpFunction.start()
    const { url, operationsUrl } = yield* startBoth({ NATS_URL: nats.url, function_url: `${fn.url}/{name}` })
    const isAccepted = eventually(
      "a call is accepted",
      Effect.map(post(`${url}/async-function/f`), ({ status }) => status === 202)
    )
    yield* isAccepted
    yield* fn.received(1)
    yield* nats.kill
    yield* nats.restart
    yield* saysReady(operationsUrl, 200)
    yield* isAccepted
    yield* fn.received(2)
  })
)
