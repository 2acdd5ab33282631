import { Effect, Schedule } from "effect"
import type { PlannedFault } from "../plan/Plan.ts"
import { chosen, during } from "./Mark.ts"
import type { Fault } from "./Strike.ts"
import type { World } from "./World.ts"

const LOOK = Schedule.spaced("100 millis")

/** Waits until the stream answers again, with all that belongs to it. */
export const healthy = ({ streams }: World) =>
  streams.healthy.pipe(Effect.retry({ schedule: LOOK }), Effect.ignore)

/** Does something to a server, undoes it after the planned time, and waits until the stream is there again. */
const afflicted = <E>(
  world: World,
  { length }: PlannedFault,
  begin: Effect.Effect<unknown>,
  end: Effect.Effect<unknown, E>
) => begin.pipe(Effect.andThen(Effect.sleep(length)), Effect.andThen(end), Effect.andThen(healthy(world)))

export const killed: Fault = (world, planned) => {
  const { server } = chosen(planned, world.nodes.all)
  const kill = afflicted(world, planned, server.kill, server.restart)
  return world.natsTurn.during(during(world, "server-killed", "nats", `for ${planned.length} ms`, kill))
}

export const stopped: Fault = (world, planned) => {
  const { server } = chosen(planned, world.nodes.all)
  const stop = afflicted(world, planned, server.suspend, server.resume)
  return world.natsTurn.during(during(world, "server-stopped", "nats", `for ${planned.length} ms`, stop))
}

export const leaderKilled: Fault = (world, planned) =>
  world.natsTurn.during(
    Effect.gen(function* () {
      const leader = yield* Effect.retry(world.streams.leader, { schedule: LOOK })
      const { name, server } =
        world.nodes.all.find(({ name }) => name === leader) ?? chosen(planned, world.nodes.all)
      const kill = afflicted(world, planned, server.kill, server.restart)
      yield* during(world, "leader-killed", "nats", `${name} for ${planned.length} ms`, kill)
    })
  )

export const partitioned: Fault = (world, planned) => {
  const { nodes } = world
  const node = chosen(planned, nodes.all)
  const partition = afflicted(
    world,
    planned,
    Effect.sync(() => nodes.partition(node)),
    Effect.sync(() => nodes.rejoin())
  )
  return world.natsTurn.during(
    during(world, "node-partitioned", "nats", `${node.name} for ${planned.length} ms`, partition)
  )
}
