import { Effect } from "effect"
import type { FaultKind } from "../plan/FaultKind.ts"
import type { PlannedFault } from "../plan/Plan.ts"
import type { Place } from "../world/Places.ts"
import type { World } from "./World.ts"

let last = 0

/** Writes down that a fault begins now; the returned function, that it is healed. */
export const begins = (
  { history }: World,
  kind: FaultKind,
  target: string,
  detail: string,
  only: { readonly call?: string; readonly fn?: string } = {}
): (() => void) => {
  const id = ++last
  history.record({ e: "fault", id, kind, target, detail, ...only })
  return () => history.record({ e: "healed", id })
}

/** A fault with a begin and an end. */
export const during = <E, R>(
  world: World,
  kind: FaultKind,
  target: string,
  detail: string,
  effect: Effect.Effect<unknown, E, R>
): Effect.Effect<void, E, R> =>
  Effect.suspend(() => {
    const healed = begins(world, kind, target, detail)
    return Effect.andThen(effect, Effect.sync(healed))
  })

/** Which one of several a planned fault means. */
export const chosen = <A>({ target }: PlannedFault, all: ReadonlyArray<A>): A =>
  all[Math.floor(target * all.length)] as A

export const placesOf = (world: World, command: Place["command"]): ReadonlyArray<Place> =>
  command === "worker" ? world.workers : world.gateways
