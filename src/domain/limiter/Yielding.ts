import * as Clock from "./Clock.ts"
import {
  EVIDENCE_HOLDS,
  YIELD_APART,
  YIELD_FOR,
  YIELD_FROM,
  YIELD_GAPS,
  YIELD_PART,
  YIELD_SENSE,
  YIELD_STILL
} from "./Constants.ts"
import * as Probing from "./Probing.ts"
import * as Ramp from "./Ramp.ts"
import * as Silence from "./Silence.ts"
import { learn, type Options, type State } from "./State.ts"

/**
 * Fairness without messages (rule 9). A worker that joins a function in full use finds no room, and nobody
 * sees that it is there. So where there may be others, a probe that is due is preceded by leaving some room
 * for a moment: who looks for room then finds it, and if nobody does it is taken back.
 */
export const whenDue = (state: State, options: Options, inFlight: number): State => {
  if (!options.features.yielding || !state.wants || state.ramp.free || state.loss !== null) return state
  const time = Clock.now(state)
  if (!Probing.mayOpen(state, options, inFlight, time) || !mayBeOthers(state, time)) return state
  const confirmed = state.confirmed - Math.ceil(YIELD_PART * state.confirmed)
  const ramp = Ramp.to(state.ramp, state.confirmed, time + YIELD_FOR)
  return learn({ ...state, confirmed, ramp }, { others: { ...state.learned.others, yieldedAt: time } })
}

/** Room went missing, or has not grown for long. Workers that are heard of share otherwise. */
const mayBeOthers = (state: State, time: number): boolean => {
  const { confirmed } = state
  const { evidence, growth, others } = state.learned
  if (others.heardAt !== null || confirmed < YIELD_FROM || time - others.yieldedAt < YIELD_APART) return false
  if (Silence.sense(state) > YIELD_SENSE) return false
  const isStill = time - growth.changedAt > Math.max(YIELD_STILL, YIELD_GAPS * growth.gap)
  return isStill || (evidence.lostAt !== null && time - evidence.lostAt < EVIDENCE_HOLDS)
}
