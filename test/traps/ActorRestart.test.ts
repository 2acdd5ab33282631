import { expect, it } from "@effect/vitest"
import { AckPolicy } from "@nats-io/jetstream"
import { Effect } from "effect"
import type { Lane } from "../../src/domain/Lane.ts"
import type { CallSources } from "../../src/queue/CallSource.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { streamName } from "../support/QueueState.ts"
import { post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import * as WorkerOfParts from "../support/WorkerOfParts.ts"

const died = "an actor has died, it is started again"

/** Functions whose calls are held, and a gateway; nothing but a wake-up tells of a call. */
const prepare = Effect.fnUntraced(function* () {
  const nats = yield* startNats()
  const gate = new Gate()
  const fn = yield* HttpFunction.start({
    answer: (_, response) => gate.pass().then(() => void response.end())
  })
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, discovery_interval: "1h" }
  const gateway = yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  return {
    gate,
    fn,
    stranger,
    environment,
    call: (name: string, id: string) =>
      post(`${gateway.url}/async-function/${name}`, { headers: { "X-Call-Id": id } }),
    /** The ids of the calls that arrived, in their order. */
    ids: () => fn.requests.map((request) => request.header("X-Call-Id"))
  }
})

const functionOf = ({ key }: Lane) => key.split(".")[0]

/** Dies the first time it is asked to for that function. */
const dieOnce = (name: string) => {
  let dead = false
  return <A, E, R>(asked: string | undefined, otherwise: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      if (dead || asked !== name) return otherwise
      dead = true
      return Effect.die(new Error("a mistake of ours"))
    })
}

/** Its actor dies of its `nth` request for calls, once that is on its way. */
const dieOfRequest =
  (name: string, nth: number) =>
  ({ open }: CallSources["Service"]): CallSources["Service"] => {
    let asked = 0
    return {
      open: (lane, handlers) =>
        Effect.map(open(lane, handlers), (source) => ({
          ...source,
          ask: (count, waitMillis) => {
            source.ask(count, waitMillis)
            if (functionOf(lane) === name && ++asked === nth) throw new Error("a mistake of ours")
          }
        }))
    }
  }

it.live("an actor that dies when it starts is started again, and its call is executed", () =>
  Effect.gen(function* () {
    const { gate, fn, stranger, environment, call, ids } = yield* prepare()
    const orDie = dieOnce("unlucky")
    const worker = yield* WorkerOfParts.startWorker(environment, {
      sources: ({ open }) => ({ open: (lane, handlers) => orDie(functionOf(lane), open(lane, handlers)) })
    })
    yield* call("lucky", "1")
    yield* fn.received(1)
    yield* call("unlucky", "2")
    yield* worker.log.line(died)
    yield* fn.received(2)
    gate.open()
    yield* stranger.allFinished
    expect(ids()).toEqual(["1", "2"])
    expect(worker.log.with(died)).toHaveLength(1)
  })
)

it.live("an actor that dies when it looks up its function is started again with the function's limit", () =>
  Effect.gen(function* () {
    const { gate, fn, stranger, environment, call, ids } = yield* prepare()
    const orDie = dieOnce("unlucky")
    const worker = yield* WorkerOfParts.startWorker(environment, {
      functions: ({ find }) => ({ find: (fn) => orDie(fn.name, find(fn)) })
    })
    yield* call("lucky", "1")
    yield* fn.received(1)
    yield* call("unlucky", "2")
    yield* worker.log.line(died)
    yield* fn.received(2)
    gate.open()
    yield* stranger.allFinished
    expect(ids()).toEqual(["1", "2"])
  })
)

it.live("an actor that dies while it waits for calls executes what comes, and nothing twice", () =>
  Effect.gen(function* () {
    const { gate, fn, stranger, environment, call, ids } = yield* prepare()
    const worker = yield* WorkerOfParts.startWorker(environment, { sources: dieOfRequest("unlucky", 1) })
    yield* call("unlucky", "1")
    yield* fn.received(1)
    gate.open()
    yield* worker.log.line(died)
    yield* call("unlucky", "2")
    yield* fn.received(2)
    yield* stranger.allFinished
    expect(ids()).toEqual(["1", "2"])
    expect(stranger.settlements.map(({ kind }) => kind)).toEqual(["ack", "ack"])
  })
)

it.live("an actor that dies while calls run lets them end, and others do not notice", () =>
  Effect.gen(function* () {
    const { gate, fn, stranger, environment, call, ids } = yield* prepare()
    const worker = yield* WorkerOfParts.startWorker(environment, { sources: dieOfRequest("unlucky", 2) })
    yield* call("unlucky", "1")
    yield* fn.received(1)
    yield* call("lucky", "2")
    yield* fn.received(2)
    yield* call("unlucky", "3")
    yield* fn.received(3)
    yield* call("lucky", "4")
    yield* fn.received(4)
    expect(fn.requests.map(({ endedAt }) => endedAt)).toEqual([undefined, undefined, undefined, undefined])

    gate.open()
    yield* worker.log.line(died)
    yield* call("unlucky", "5")
    yield* fn.received(5)
    yield* stranger.allFinished
    expect(ids()).toEqual(["1", "2", "3", "4", "5"])
    expect(fn.requests.every(({ answered }) => answered)).toBe(true)
    expect(stranger.settlements.map(({ kind }) => kind)).toEqual(["ack", "ack", "ack", "ack", "ack"])
  })
)

it.live("an actor whose consumer cannot be made works as soon as it can, and others do not notice", () =>
  Effect.gen(function* () {
    const { gate, fn, stranger, environment, call, ids } = yield* prepare()
    yield* Effect.promise(() =>
      stranger.manager.consumers.add(streamName, {
        durable_name: "in-the-way",
        filter_subject: "faas-request.unlucky.>",
        ack_policy: AckPolicy.Explicit
      })
    )
    const worker = yield* startWorker(environment)
    yield* call("unlucky", "1")
    const refused = "the server does not let us have calls"
    expect(yield* worker.log.line(refused)).toMatchObject({ fields: { function: "unlucky.openfaas-fn" } })
    yield* call("lucky", "2")
    yield* fn.received(1)
    yield* Effect.promise(() => stranger.manager.consumers.delete(streamName, "in-the-way"))
    yield* fn.received(2)
    gate.open()
    yield* stranger.allFinished
    expect(ids()).toEqual(["2", "1"])
    expect(worker.log.with(refused)).toHaveLength(1)
    expect(worker.log.with(died)).toEqual([])
  })
)
