import { Effect } from "effect"
import type { Place } from "../world/Places.ts"
import { begins, chosen, during, placesOf } from "./Mark.ts"
import type { Fault } from "./Strike.ts"

/** The process stands still for longer than `ack_wait`: its calls are delivered to others. */
export const stopped: Fault = (world, planned) => {
  const place = chosen(planned, world.workers)
  const stop = Effect.suspend(() => {
    place.signal("SIGSTOP")
    const goOn = Effect.sync(() => place.signal("SIGCONT"))
    return during(
      world,
      "worker-stopped",
      place.name,
      `${place.life()} (${place.pid()}) for ${planned.length} ms`,
      Effect.ensuring(Effect.sleep(planned.length), goOn)
    )
  })
  return place.turn.during(stop)
}

const restart = Effect.fnUntraced(function* (place: Place) {
  place.signal("SIGTERM")
  yield* place.ended
  yield* place.start
})

/** One after the other is told to stop, ends in order, and is replaced. */
export const restarted =
  (command: Place["command"]): Fault =>
  (world) => {
    const places = placesOf(world, command)
    const all = Effect.forEach(places, (place) => place.turn.during(restart(place)), { discard: true })
    const kind = command === "worker" ? "workers-restarted" : "gateways-restarted"
    return during(world, kind, command === "worker" ? "w*" : "g*", `${places.length} of them`, all)
  }

export const receiverDown: Fault = (world, planned) =>
  Effect.suspend(() => {
    world.receiver.goDown()
    const up = Effect.sync(() => world.receiver.comeUp())
    return during(world, "receiver-down", "nats", "503", Effect.ensuring(Effect.sleep(planned.length), up))
  })

/** More calls than are stored now and then. */
const ROOM = 3

/** An operator limits the stream to little more than it holds, while functions keep what they have. */
export const streamLimit: Fault = (world, planned) => {
  const { gate, streams } = world
  const limit = Effect.gen(function* () {
    const stored = yield* streams.stored
    gate.close()
    yield* streams.setLimit(stored + ROOM)
    yield* during(
      world,
      "stream-limit",
      "nats",
      `${stored + ROOM} calls`,
      Effect.sleep(planned.length + KEEP)
    )
  }).pipe(
    Effect.ensuring(Effect.sync(() => gate.open())),
    Effect.ensuring(Effect.eventually(streams.setLimit(UNLIMITED)))
  )
  return world.natsTurn.during(Effect.ignore(limit))
}

const UNLIMITED = -1
/** Milliseconds in which functions keep what they have. */
const KEEP = 300

export const consumerDeleted: Fault = (world, planned) =>
  world.natsTurn.during(
    Effect.gen(function* () {
      const consumers = yield* world.streams.consumers
      if (consumers.length === 0) return
      const { fn, name } = chosen(planned, consumers)
      const healed = begins(world, "consumer-deleted", "nats", name, { fn })
      yield* world.streams.deleteConsumer(name)
      healed()
    }).pipe(Effect.ignore)
  )
