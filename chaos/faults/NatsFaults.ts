import { Effect, Schedule } from "effect"
import { chosen, during } from "./Mark.ts"
import type { Fault } from "./Strike.ts"
import type { World } from "./World.ts"

const LOOK = Schedule.spaced("100 millis")

/** Waits until the stream answers again, with all that belongs to it. */
export const healthy = ({ streams }: World) =>
  streams.healthy.pipe(Effect.retry({ schedule: LOOK }), Effect.ignore)

export const killed: Fault = (world, planned) => {
  const node = chosen(planned, world.nodes.all)
  const kill = Effect.gen(function* () {
    yield* node.server.kill
    yield* Effect.sleep(planned.length)
    yield* node.server.restart
    yield* healthy(world)
  })
  return world.natsTurn.during(during(world, "server-killed", "nats", `for ${planned.length} ms`, kill))
}

export const stopped: Fault = (world, planned) => {
  const node = chosen(planned, world.nodes.all)
  const stop = Effect.gen(function* () {
    yield* node.server.suspend
    yield* Effect.sleep(planned.length)
    yield* node.server.resume
    yield* healthy(world)
  })
  return world.natsTurn.during(during(world, "server-stopped", "nats", `for ${planned.length} ms`, stop))
}

export const leaderKilled: Fault = (world, planned) =>
  world.natsTurn.during(
    Effect.gen(function* () {
      const leader = yield* Effect.retry(world.streams.leader, { schedule: LOOK })
      const node = world.nodes.all.find(({ name }) => name === leader) ?? chosen(planned, world.nodes.all)
      const kill = Effect.gen(function* () {
        yield* node.server.kill
        yield* Effect.sleep(planned.length)
        yield* node.server.restart
        yield* healthy(world)
      })
      yield* during(world, "leader-killed", "nats", `${node.name} for ${planned.length} ms`, kill)
    })
  )

export const partitioned: Fault = (world, planned) => {
  const { nodes } = world
  const node = chosen(planned, nodes.all)
  const partition = Effect.gen(function* () {
    nodes.partition(node)
    yield* Effect.sleep(planned.length)
    nodes.rejoin()
    yield* healthy(world)
  })
  return world.natsTurn.during(
    during(world, "node-partitioned", "nats", `${node.name} for ${planned.length} ms`, partition)
  )
}
