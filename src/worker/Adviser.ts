import { Duration, Effect } from "effect"
import type { Lane } from "../domain/Lane.ts"
import type { CallsInHand } from "./CallsInHand.ts"
import type { Throttle } from "./Throttle.ts"

/** A lane as its actor serves it. */
export interface Served<L extends Lane> {
  readonly lane: L
  readonly throttle: Throttle
  readonly calls: CallsInHand
  /** There may be room now, or calls were given back. */
  readonly changed: () => void
}

/** Tells a lane's limiter what its own calls do not show, for as long as the lane is served. */
export type Adviser<L extends Lane> = (served: Served<L>) => Effect.Effect<never>

const PERIOD = Duration.seconds(1)

/**
 * Does it at once when calls are held back, and once a second for as long as they are, for ever. One must end
 * before the next begins; there is no timer while no call is held back.
 */
export const whileHeldBack = (throttle: Throttle, what: Effect.Effect<void>): Effect.Effect<never> =>
  throttle.whenHeldBack.pipe(Effect.andThen(what), Effect.andThen(Effect.sleep(PERIOD)), Effect.forever)
