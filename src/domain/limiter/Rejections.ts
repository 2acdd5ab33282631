import * as Clock from "./Clock.ts"
import { ALONE } from "./Constants.ts"
import * as Loss from "./Loss.ts"
import * as Placement from "./Placement.ts"
import * as Probing from "./Probing.ts"
import * as Ramp from "./Ramp.ts"
import * as Rounds from "./Rounds.ts"
import * as Silence from "./Silence.ts"
import { learn, type Options, type State } from "./State.ts"
import * as Throughput from "./Throughput.ts"

/** A call was rejected; `inFlight` are left (rule 3). */
export const rejected = (
  state: State,
  options: Options,
  answer: { readonly seq: number; readonly latency: number },
  inFlight: number
): State => {
  const isLate = answer.latency > Silence.sense(state)
  const isFresh = answer.seq > state.learned.evidence.cutSeq
  const learned = Silence.broken(state, answer.latency)
  if (isFresh && Rounds.explains(state.round)) return Rounds.rejected(learned, state.round, options)
  const kept = Throughput.full(conserve(learned, inFlight), inFlight)
  if (inFlight === 0) return Loss.begin(kept, inFlight)
  if (!isFresh) return { ...kept, ramp: Ramp.lower(kept.ramp) }
  if (state.loss !== null) return kept
  return isLate ? undo(kept, options) : unexplained(kept, answer.seq, inFlight)
}

/** What is still in flight is what the function has room for. */
const conserve = (state: State, inFlight: number): State =>
  inFlight < state.confirmed ? { ...state, confirmed: inFlight } : state

/** Silence had confirmed it before the 429 came: our impatience and no loss, as with all that left since. */
const undo = (state: State, options: Options): State => {
  const evidence = { ...state.learned.evidence, cutSeq: state.seq }
  const growth = { ...state.learned.growth, changedAt: Clock.now(state) }
  return Probing.rest(learn(state, { evidence, growth }), options)
}

/** One alone is a collision with another worker, or a call too many in the network; a second shows a loss. */
const unexplained = (state: State, seq: number, inFlight: number): State => {
  const before = state.learned.evidence
  const distance = Math.abs(seq - before.lostSeq)
  const evidence = { ...Placement.missed(before, distance), lostSeq: seq, lostAt: Clock.now(state) }
  const known = learn(state, { evidence })
  return distance <= ALONE ? Loss.begin(known, inFlight) : known
}
