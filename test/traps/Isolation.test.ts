import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FunctionsYaml from "../support/FunctionsYaml.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { type Environment, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

/** A healthy function, another one in trouble at `url`, and thirty calls for each of them. */
const prepare = Effect.fnUntraced(function* (
  trouble: { readonly url: string; readonly limit?: number },
  more: Environment = {}
) {
  const nats = yield* startNats()
  const healthy = yield* HttpFunction.start()
  const functions = yield* FunctionsYaml.write([
    { name: "trouble", ...trouble },
    { name: "healthy", url: healthy.url }
  ])
  const environment = { NATS_URL: nats.url, functions_file: functions.path, max_inflight: "10", ...more }
  yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  const publish = (name: string) =>
    Effect.replicateEffect(stranger.publish(name, { Function: name, Method: "POST" }), 30, {
      concurrency: 30,
      discard: true
    })
  yield* publish("trouble")
  return { healthy, stranger, startWorker: startWorker(environment), publishHealthy: publish("healthy") }
})

it.live("a function that hangs does not delay another", () =>
  Effect.gen(function* () {
    const gate = new Gate()
    const hanging = yield* HttpFunction.start({
      answer: (_, response) => gate.pass().then(() => void response.end())
    })
    const { healthy, stranger, startWorker, publishHealthy } = yield* prepare({ url: hanging.url, limit: 9 })
    yield* startWorker
    yield* hanging.received(9)
    yield* publishHealthy
    yield* healthy.ended(30)
    expect([hanging.inFlight(), healthy.requests.length]).toEqual([9, 30])
    gate.open()
    yield* hanging.ended(30)
    yield* stranger.allFinished
  })
)

it.live("a function that answers 500 does not delay another", () =>
  Effect.gen(function* () {
    const failing = yield* HttpFunction.start({ answer: (_, response) => void response.writeHead(500).end() })
    const { healthy, startWorker, publishHealthy } = yield* prepare({ url: failing.url })
    const worker = yield* startWorker
    yield* failing.ended(60)
    yield* publishHealthy
    yield* healthy.ended(30)
    expect(healthy.requests).toHaveLength(30)
    expect(worker.log.with("dead letter")).toEqual([])
  })
)

it.live("a function that refuses connections does not delay another", () =>
  Effect.gen(function* () {
    const { healthy, startWorker, publishHealthy } = yield* prepare({ url: "http://127.0.0.1:1" })
    const worker = yield* startWorker
    yield* worker.log.line("retry")
    yield* publishHealthy
    yield* healthy.ended(30)
    expect(healthy.requests).toHaveLength(30)
    expect(worker.log.with("dead letter")).toEqual([])
  })
)

it.live("a function that has taken every slot gives them up to another as its calls end", () =>
  Effect.gen(function* () {
    const gate = new Gate()
    const slow = yield* HttpFunction.start({
      answer: (_, response) => gate.pass().then(() => void response.end())
    })
    const { healthy, stranger, startWorker, publishHealthy } = yield* prepare({ url: slow.url })
    yield* startWorker
    yield* slow.received(10)
    yield* publishHealthy
    // Until the other one is known to wait, the first one takes what it gives up.
    for (let released = 1; healthy.requests.length === 0; released++) {
      gate.release(1)
      yield* Effect.raceFirst(slow.received(10 + released), healthy.received(1))
    }
    // It keeps that slot for as long as it wants it.
    yield* healthy.ended(30)
    gate.open()
    yield* slow.ended(30)
    yield* stranger.allFinished
  })
)
