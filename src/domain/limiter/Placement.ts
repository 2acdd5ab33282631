import * as Clock from "./Clock.ts"
import { FULL_DISTANCE, SPURIOUS_ENOUGH, SPURIOUS_WEIGHT, SPURIOUS_WITHIN } from "./Constants.ts"
import * as Silence from "./Silence.ts"
import { learn, type Evidence, type Options, type State } from "./State.ts"

/**
 * Tells whether calls go to a replica that is picked at random (rule 6). Then a 429 says that this one was
 * full, and a loss turns out to be none: a moment later everything that was in flight before fits again.
 */

/** A rejection that no probe explains, so many calls after the one before it. */
export const missed = (evidence: Evidence, distance: number): Evidence => {
  const seen = Math.min(distance, FULL_DISTANCE)
  return { ...evidence, distance: evidence.distance + SPURIOUS_WEIGHT * (seen - evidence.distance) }
}

/** The level before a loss was reached again, or could not be. */
export const returned = (state: State, isBack: boolean): State => {
  const { ramp } = state
  const { evidence } = state.learned
  if (ramp.lostAt === null) return state
  const isSpurious = isBack && Clock.now(state) - ramp.lostAt <= SPURIOUS_WITHIN
  const spurious = evidence.spurious + SPURIOUS_WEIGHT * ((isSpurious ? 1 : 0) - evidence.spurious)
  return learn(state, { evidence: { ...evidence, spurious } })
}

export const isRandom = (state: State, options: Options): boolean =>
  options.features.randomPlacement &&
  Silence.isTelling(state) &&
  state.learned.evidence.spurious > SPURIOUS_ENOUGH &&
  state.learned.evidence.distance < FULL_DISTANCE / 2
