import { Effect } from "effect"
import type { FunctionLane } from "../domain/FunctionLane.ts"
import { Functions } from "../functions/Functions.ts"
import { type Adviser, whileHeldBack } from "./Adviser.ts"

/**
 * Counts the replicas of a function that has no room for its calls, where its provider can: a change is a
 * reason to look for room now. Nobody is asked about a function that has room.
 */
export const make = Effect.map(Functions, ({ replicas }): Adviser<FunctionLane> => {
  if (replicas === undefined) return () => Effect.never
  return ({ lane, throttle, changed }) => {
    let known: number | undefined
    const count = Effect.map(replicas(lane.fn), (count) => {
      if (count === undefined || count === known) return
      known = count
      throttle.step({ _tag: "Hint", replicas: count })
      changed()
    })
    return whileHeldBack(throttle, count)
  }
})
