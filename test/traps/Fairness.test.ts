import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

/** Functions a and b whose calls are held, with so many calls waiting, and a worker with ten slots. */
const hold = Effect.fnUntraced(function* (calls: { readonly a: number; readonly b: number }) {
  const nats = yield* startNats()
  const gate = new Gate()
  const fn = yield* HttpFunction.start({
    answer: (_, response) => gate.pass().then(() => void response.end())
  })
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, max_inflight: "10" }
  yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  for (const [name, count] of Object.entries(calls)) {
    yield* Effect.replicateEffect(stranger.publish(name, { Function: name, Method: "POST" }), count, {
      concurrency: 100,
      discard: true
    })
  }
  yield* startWorker(environment)
  yield* fn.received(10)
  return {
    gate,
    fn,
    /** How many calls of a and of b run. */
    held: () => [fn.inFlight("/a/"), fn.inFlight("/b/")],
    /** Lets the call that has run longest end, and waits until another one runs in its place. */
    next: Effect.suspend(() => {
      const arrived = fn.requests.length
      gate.release(1)
      return fn.received(arrived + 1)
    }),
    finished: stranger.allFinished
  }
})

it.live("two functions with 200 held calls each hold five and five of ten slots", () =>
  Effect.gen(function* () {
    const { gate, fn, held, next, finished } = yield* hold({ a: 200, b: 200 })
    // Whoever came first may have all ten; each call that ends makes it fairer.
    for (let ended = 0; ended < 10; ended++) yield* next
    for (let ended = 0; ended < 50; ended++) {
      expect(held()).toEqual([5, 5])
      yield* next
    }
    gate.open()
    yield* fn.ended(400)
    yield* finished
    expect(fn.maxInFlight()).toBe(10)
  })
)

it.live("when one of two functions has only two calls, the other holds eight of ten slots", () =>
  Effect.gen(function* () {
    const { gate, fn, held, next, finished } = yield* hold({ a: 200, b: 2 })
    let ended = 0
    while (held().join() !== "8,2") {
      expect(ended++).toBeLessThan(10)
      yield* next
    }
    gate.open()
    yield* fn.ended(202)
    yield* finished
    expect(fn.maxInFlight()).toBe(10)
  })
)
