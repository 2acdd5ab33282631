import { Duration, Effect } from "effect"
import type * as FunctionName from "../domain/FunctionName.ts"
import type { CallsInHand } from "./CallsInHand.ts"
import type { Throttle } from "./Throttle.ts"

/** A function as its actor serves it. */
export interface Served {
  readonly fn: FunctionName.FunctionName
  readonly throttle: Throttle
  readonly calls: CallsInHand
  /** There may be room now, or calls were given back. */
  readonly changed: () => void
}

/** Tells a function's limiter what its own calls do not show, for as long as the function is served. */
export type Adviser = (served: Served) => Effect.Effect<never>

const PERIOD = Duration.seconds(1)

/**
 * Does it at once when calls are held back, and once a second for as long as they are, for ever. One must end
 * before the next begins; there is no timer while no call is held back.
 */
export const whileHeldBack = (throttle: Throttle, what: Effect.Effect<void>): Effect.Effect<never> =>
  throttle.whenHeldBack.pipe(Effect.andThen(what), Effect.andThen(Effect.sleep(PERIOD)), Effect.forever)
