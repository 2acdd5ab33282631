import type { JetStreamClient } from "@nats-io/jetstream"
import { Effect, Fiber } from "effect"
import { Nats } from "../../src/queue/Nats.ts"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import { Gate } from "./Gate.ts"

/**
 * Runs a program that stops before each of its requests to NATS and each publish, one after the other, until it is
 * its turn: so a test decides in which order several programs do what they do, and where one of them dies.
 */
export const begin = Effect.fnUntraced(function* <A, E>(
  nats: Nats["Service"],
  program: (nats: Nats["Service"]) => Effect.Effect<A, E>
) {
  const gate = new Gate()
  const stops = new ArrivalCounter()
  let turns = 1
  let hasEnded = false
  const stop = () => {
    const passed = gate.pass()
    stops.add()
    return passed
  }
  const publish: JetStreamClient["publish"] = async (...what) => {
    await stop()
    return nats.jetstream.publish(...what)
  }
  const jetstream: JetStreamClient = new Proxy(nats.jetstream, {
    get: (target, name) => (name === "publish" ? publish : Reflect.get(target, name))
  })
  const stopping = Nats.of({
    ...nats,
    jetstream,
    request: (send) => Effect.andThen(Effect.promise(stop), nats.request(send))
  })
  const end = Effect.sync(() => {
    hasEnded = true
    stops.add()
  })
  const fiber = yield* Effect.forkScoped(Effect.ensuring(program(stopping), end))
  yield* stops.atLeast(1)

  return {
    hasEnded: () => hasEnded,
    /** Goes on until it is about to send the next request, or has ended. */
    turn: Effect.suspend(() => {
      if (hasEnded) return Effect.void
      gate.release(1)
      return stops.atLeast(++turns)
    }),
    /** What was not sent will not be; what was answered has happened. */
    die: Fiber.interrupt(fiber),
    /** All the rest without stopping. */
    finish: Effect.suspend(() => {
      gate.open()
      return Fiber.join(fiber)
    })
  }
})
