import * as Clock from "./Clock.ts"
import {
  EXPERIMENT_CALLS,
  EXPERIMENT_CUT,
  EXPERIMENT_EVERY,
  EXPERIMENT_POOLED,
  TOLERANCE_GAIN,
  TOLERANCE_IN_A_ROW,
  TOLERATED
} from "./Constants.ts"
import * as Loss from "./Loss.ts"
import * as Ramp from "./Ramp.ts"
import { learn, type Experiment, type Options, type State, type Tolerance } from "./State.ts"

/**
 * The limit where replicas are picked at random (rule 6). Full use would mean nothing but rejections, so it
 * settles where a fixed share of the calls is rejected: each call that leaves at the limit raises it a
 * little, and each rejection lowers it by as much more that the two balance at that share. Rejected calls go
 * out again at once, probably to another replica.
 */
export const enter = (state: State): State => ({
  ...state,
  round: null,
  loss: null,
  ramp: Ramp.onward(state.ramp, Clock.now(state)),
  tolerance: {
    level: state.confirmed,
    share: 1 / state.learned.evidence.distance,
    inRow: 0,
    experimentAt: Clock.now(state) + EXPERIMENT_EVERY,
    experiment: null
  }
})

/** Back to what holds for a function that rejects only when all of it is full. */
const leave = (state: State): State => ({
  ...learn(state, { evidence: { ...state.learned.evidence, spurious: 0 } }),
  tolerance: null,
  ramp: Ramp.onward(state.ramp, Clock.now(state))
})

/** A call has left and makes `inFlight`. */
export const dispatched = (state: State, options: Options, tolerance: Tolerance, inFlight: number): State => {
  const known = { ...tolerance, share: tolerance.share * (1 - 1 / EXPERIMENT_CALLS) }
  if (known.experiment !== null) return judged(state, known, known.experiment)
  return moved(state, options, known, inFlight >= state.confirmed ? TOLERATED * step(state) : 0)
}

/** A call was rejected; `inFlight` are left. */
export const rejected = (
  state: State,
  options: Options,
  tolerance: Tolerance,
  seq: number,
  inFlight: number
): State => {
  const inRow = tolerance.inRow + 1
  if (inFlight === 0 || inRow >= TOLERANCE_IN_A_ROW) return Loss.begin(leave(state), inFlight)
  const known = { ...tolerance, inRow, share: tolerance.share + 1 / EXPERIMENT_CALLS }
  const { experiment } = tolerance
  if (experiment !== null) {
    const counted = { ...experiment, rejected: experiment.rejected + (seq > experiment.after ? 1 : 0) }
    return { ...state, tolerance: { ...known, experiment: counted } }
  }
  return Clock.now(state) < known.experimentAt
    ? moved(state, options, known, -step(state))
    : begun(state, known)
}

/** A call was answered otherwise. */
export const admitted = (state: State, tolerance: Tolerance): State =>
  tolerance.inRow === 0 ? state : { ...state, tolerance: { ...tolerance, inRow: 0 } }

/** What one rejection takes. */
const step = (state: State): number => Math.max(1, TOLERANCE_GAIN * state.confirmed)

const moved = (state: State, options: Options, tolerance: Tolerance, by: number): State => {
  const level = Math.min(options.maxLimit, Math.max(1, tolerance.level + by))
  return { ...state, confirmed: Math.floor(level), tolerance: { ...tolerance, level } }
}

/**
 * Now and then a little less is tried. Random picks then reject a little less; a function that rejects only
 * when all of it is full rejects nothing any more, and is recognised by that.
 */
const begun = (state: State, tolerance: Tolerance): State => {
  const less = Math.max(1, Math.floor(EXPERIMENT_CUT * tolerance.level))
  // What is in flight beyond that has to come back before its effect can be seen.
  const experiment = { after: state.seq + state.confirmed - less, rejected: 0, before: tolerance.share }
  return { ...state, confirmed: less, tolerance: { ...tolerance, experiment } }
}

const judged = (state: State, tolerance: Tolerance, experiment: Experiment): State => {
  const calls = state.seq - experiment.after
  if (calls < EXPERIMENT_CALLS) return { ...state, tolerance }
  if (experiment.rejected < EXPERIMENT_POOLED * experiment.before * calls) return leave(state)
  const experimentAt = Clock.now(state) + EXPERIMENT_EVERY
  const next = { ...tolerance, experiment: null, experimentAt }
  return { ...state, confirmed: Math.floor(tolerance.level), tolerance: next }
}
