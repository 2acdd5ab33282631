import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { type Environment, post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

/** A gateway, a function that answers at once, and the way to start a worker. */
const prepare = Effect.fnUntraced(function* (bin: string, more: Environment) {
  const nats = yield* startNats({ bin })
  const fn = yield* HttpFunction.start()
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...more }
  const gateway = yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  return {
    fn,
    stranger,
    startWorker: startWorker(environment),
    call: (name: string, body = "") => post(`${gateway.url}/async-function/${name}`, { body })
  }
})

const message = (name: string) => ({ Function: name, Method: "POST" })
const onlyWakeUps = { discovery_interval: "1h" }

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a call that somebody else has published is found by discovery", () =>
    Effect.gen(function* () {
      const { fn, stranger, startWorker } = yield* prepare(bin, {})
      yield* startWorker
      yield* stranger.publish("a", message("a"))
      yield* fn.received(1)
      // Also when its function is served already, and when there are several.
      yield* stranger.publish("a", message("a"))
      yield* stranger.publish("b.other", message("b.other"))
      yield* fn.received(3)
      yield* stranger.allFinished
      expect(fn.requests.map(({ url }) => url).toSorted()).toEqual(["/a/", "/a/", "/b/"])
    })
  )

  it.live("calls that waited before the worker came are found by its first look", () =>
    Effect.gen(function* () {
      const { fn, stranger, startWorker } = yield* prepare(bin, onlyWakeUps)
      for (const name of ["a", "b", "a"]) yield* stranger.publish(name, message(name))
      yield* startWorker
      yield* fn.received(3)
      yield* stranger.allFinished
    })
  )

  it.live(
    "a call through our gateway starts by the wake-up alone, also one published a millisecond later",
    () =>
      Effect.gen(function* () {
        const { fn, stranger, call, startWorker } = yield* prepare(bin, onlyWakeUps)
        yield* startWorker
        for (let round = 1; round <= 40; round++) {
          const name = `f${round % 8}`
          yield* Effect.all([call(name), call(name)], { concurrency: 2 })
          yield* fn.received(2 * round)
        }
        yield* stranger.allFinished
      })
  )

  it.live("a call published while the one before it runs starts by the wake-up alone", () =>
    Effect.gen(function* () {
      const { fn, stranger, call, startWorker } = yield* prepare(bin, onlyWakeUps)
      yield* startWorker
      // The second one comes when its actor has asked for the first one, within the same ten milliseconds.
      fn.answer(async ({ body }, response) => {
        if (body.length > 0) await Effect.runPromise(call("a"))
        response.end()
      })
      for (let round = 1; round <= 20; round++) {
        yield* call("a", "and another one")
        yield* fn.ended(2 * round)
      }
      yield* stranger.allFinished
    })
  )

  it.live("a wake-up for a function that is busy is not forgotten", () =>
    Effect.gen(function* () {
      const { fn, stranger, call, startWorker } = yield* prepare(bin, { ...onlyWakeUps, max_inflight: "1" })
      yield* startWorker
      const gate = new Gate()
      fn.answer((_, response) => gate.pass().then(() => void response.end()))
      yield* call("a")
      yield* fn.received(1)
      yield* call("a")
      yield* call("b")
      gate.open()
      yield* fn.received(3)
      yield* stranger.allFinished
    })
  )

  it.live("a wake-up in the moment an idle actor ends is not forgotten", () =>
    Effect.gen(function* () {
      const { fn, stranger, call, startWorker } = yield* prepare(bin, {
        ...onlyWakeUps,
        consumer_inactive_threshold: "1ms"
      })
      yield* startWorker
      for (let round = 1; round <= 200; round++) {
        yield* call("a")
        yield* fn.ended(round)
      }
      yield* stranger.allFinished
    })
  )
})
