import { Duration, Effect, Schedule } from "effect"
import { Agent, request } from "undici"
import { BenchError } from "./BenchError.ts"
import * as CalledFunction from "./CalledFunction.ts"
import { freePort } from "./FreePort.ts"
import * as Program from "./Program.ts"

interface Options {
  readonly natsUrl: string
  readonly calls: number
}

/** From a moment of the caller's to the arrival of the call at the function, milliseconds, on one clock. */
export interface Latency {
  /** from the answer 202; negative when the function was called before the caller had read it */
  readonly fromAccept: number
  readonly fromPost: number
}

export interface Latencies {
  /** each call is the first of its function */
  readonly notSpawned: ReadonlyArray<Latency>
  /** all calls are for one function, whose actor has nothing to do */
  readonly idle: ReadonlyArray<Latency>
}

/** Long enough for the system to have nothing left to do from the call before. */
const REST = Duration.millis(25)
const WARM_UP_CALLS = 50

/** Posts one call after the other to an idle gateway and plays the function, too. */
export const measure = Effect.fnUntraced(function* (options: Options) {
  const fn = yield* CalledFunction.listen
  const gatewayPort = yield* freePort
  const environment = {
    NATS_URL: options.natsUrl,
    queue_name: "latency",
    function_url: `http://127.0.0.1:${fn.port}/{name}`,
    metrics_port: "0"
  }
  const gateway = yield* Program.run(["src/main.ts", "gateway"], {
    ...environment,
    port: String(gatewayPort)
  })
  const worker = yield* Program.run(["src/main.ts", "worker"], environment)
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Agent()),
    (agent) => Effect.promise(() => agent.destroy())
  )

  const post = (name: string, callId: string) =>
    Effect.tryPromise({
      try: async () => {
        const response = await request(`http://127.0.0.1:${gatewayPort}/async-function/${name}`, {
          dispatcher: agent,
          method: "POST",
          headers: { "Content-Type": "application/json", "X-Call-Id": callId },
          body: '{"order":4711}'
        })
        const acceptedAt = performance.now()
        await response.body.dump()
        if (response.statusCode === 202) return acceptedAt
        throw new Error(`it answered ${response.statusCode}`)
      },
      catch: (error) => new BenchError({ message: `the gateway did not accept a call: ${String(error)}` })
    })

  const latencyOf = Effect.fnUntraced(function* (name: string) {
    const callId = crypto.randomUUID()
    const invoked = fn.arrivalOf(callId)
    const postedAt = performance.now()
    const acceptedAt = yield* post(name, callId)
    const invokedAt = yield* Effect.promise(() => invoked)
    yield* Effect.sleep(REST)
    return { fromAccept: invokedAt - acceptedAt, fromPost: invokedAt - postedAt } satisfies Latency
  })
  const latenciesOf = (calls: number, nameOf: (index: number) => string) =>
    Effect.forEach(
      Array.from({ length: calls }, (_, index) => nameOf(index)),
      latencyOf
    )

  const measured = Effect.gen(function* () {
    yield* latencyOf("warm-up").pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 }))
    yield* latenciesOf(WARM_UP_CALLS, (index) => `warm-up-${index % 10}`)
    return {
      notSpawned: yield* latenciesOf(options.calls, (index) => `new-${index}`),
      idle: yield* latenciesOf(options.calls, () => "warm-up-0")
    } satisfies Latencies
  })
  return yield* measured.pipe(Effect.raceFirst(gateway.crashed), Effect.raceFirst(worker.crashed))
}, Effect.scoped)
