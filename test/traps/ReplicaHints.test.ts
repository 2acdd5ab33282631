import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { type Environment, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const total = 40
const placesOfReplica = 2

/** A little OpenFaaS gateway before replicas of one function, each of which takes two calls at a time. */
const openFaas = Effect.gen(function* () {
  const gate = new Gate()
  let replicas = 1
  let running = 0
  const server = yield* HttpFunction.start({
    answer: async (request, response) => {
      if (request.url.startsWith("/system/function/")) {
        return void response.end(JSON.stringify({ name: "scaled", availableReplicas: replicas }))
      }
      if (running >= replicas * placesOfReplica) {
        return void response.writeHead(429, { "X-OpenFaaS-Internal": "faas-middleware" }).end()
      }
      running++
      await gate.pass()
      running--
      response.end()
    }
  })
  return {
    server,
    gate,
    running: () => running,
    scale: (count: number) => void (replicas = count),
    questions: () => server.requests.filter(({ url }) => url.startsWith("/system/")).length
  }
})

/** Calls for that function in a queue, and a worker that calls it through the gateway. */
const prepare = Effect.fnUntraced(function* (gatewayUrl: string) {
  const nats = yield* startNats()
  const environment: Environment = {
    NATS_URL: nats.url,
    function_url: "",
    gateway_url: gatewayUrl,
    limiter_enabled: "true"
  }
  yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  for (let index = 0; index < total; index++) {
    yield* stranger.publish("scaled", { Function: "scaled", Method: "POST" })
  }
  yield* startWorker(environment)
  return stranger
})

it.live("replicas are counted while calls wait for room, and those that are added are put to use", () =>
  Effect.gen(function* () {
    const fn = yield* openFaas
    const stranger = yield* prepare(fn.server.url)
    yield* eventually("the first replica is full", () => fn.running() === placesOfReplica)
    // Without counting it is asked about once in five seconds.
    yield* eventually("its replicas are counted", () => fn.questions() >= 5)
    fn.scale(3)
    yield* eventually("all replicas are full", () => fn.running() === 3 * placesOfReplica)
    fn.gate.open()
    yield* stranger.allFinished
    expect(fn.server.maxInFlight("/system/function/scaled")).toBeLessThanOrEqual(2)
  })
)
