import { CUT, TIMEOUT_EVIDENCE, TIMEOUT_SHARE, TIMEOUT_WINDOW, UNREACHABLE_IN_A_ROW } from "./Constants.ts"
import * as Loss from "./Loss.ts"
import * as Probing from "./Probing.ts"
import * as Rounds from "./Rounds.ts"
import { learn, type Options, type State } from "./State.ts"
import * as Throughput from "./Throughput.ts"

/** Answers that are not about room (rule 7). That the function failed is never held against its room. */

/** The function answered, whatever it said. */
export const answered = (state: State, options: Options): State => {
  const known = reached(state)
  return state.learned.evidence.answers === 0 ? known : counted(known, 0, options)
}

/** No answer in time. Many of those are overload; one is a slow call. */
export const timedOut = (state: State, seq: number, options: Options): State => {
  const known = reached(Rounds.withdrawn(state))
  return seq > state.learned.evidence.cutSeq ? counted(known, 1, options) : known
}

/** It could not be asked: once is a hiccup of the network, again and again it is not there. */
export const unreachable = (state: State, inFlight: number): State => {
  const { evidence } = state.learned
  const inRow = evidence.unreachable + 1
  const known = learn(state, { evidence: { ...evidence, unreachable: inRow } })
  return state.loss !== null || inRow >= UNREACHABLE_IN_A_ROW
    ? Loss.begin(known, inFlight)
    : Rounds.withdrawn(known)
}

const reached = (state: State): State => {
  const { evidence } = state.learned
  return evidence.unreachable === 0 ? state : learn(state, { evidence: { ...evidence, unreachable: 0 } })
}

const counted = (state: State, timeouts: number, options: Options): State => {
  const { evidence } = state.learned
  const answers = evidence.answers + 1
  const late = evidence.timeouts + timeouts
  const window = Math.max(TIMEOUT_WINDOW, state.confirmed)
  // Only a timeout is evidence: whatever else comes, even a failure, is an answer in time.
  const isOverload = timeouts > 0 && answers >= TIMEOUT_EVIDENCE && late > TIMEOUT_SHARE * window
  const isComplete = isOverload || answers >= window
  const next = isComplete ? { answers: 0, timeouts: 0 } : { answers, timeouts: late }
  const known = learn(state, { evidence: { ...evidence, ...next } })
  return isOverload ? cut(known, options) : known
}

/** Once for all calls that left before. */
const cut = (state: State, options: Options): State => {
  const confirmed = Math.min(state.confirmed, Math.max(1, Math.floor(CUT * state.confirmed)))
  const evidence = { ...state.learned.evidence, cutSeq: state.seq }
  const tolerance = state.tolerance === null ? null : { ...state.tolerance, level: confirmed }
  const less = { ...learn(state, { evidence }), confirmed, round: null, tolerance }
  return Probing.rest(Throughput.full(less, confirmed), options)
}
