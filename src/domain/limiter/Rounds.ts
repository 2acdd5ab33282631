import * as Budget from "./Budget.ts"
import * as Clock from "./Clock.ts"
import * as Growth from "./Growth.ts"
import * as Loss from "./Loss.ts"
import * as Placement from "./Placement.ts"
import * as Probing from "./Probing.ts"
import * as Ramp from "./Ramp.ts"
import * as Silence from "./Silence.ts"
import { learn, type Options, type State } from "./State.ts"
import * as Tolerance from "./Tolerance.ts"

/** Calls that may be in flight beyond what is confirmed. After a rejection no more probes leave (rule 2). */
export const beyond = (round: Ramp.Round | null): number => {
  if (round === null) return 0
  return round.rejected > 0 ? round.sent - round.rejected : round.size
}

/** A call has left and makes `inFlight`. Only what exceeds everything before is a probe. */
export const dispatched = (state: State, options: Options, inFlight: number): State => {
  const surplus = inFlight - state.confirmed
  if (surplus <= (state.round?.sent ?? 0)) return state
  const time = Clock.now(state)
  const deadline = time + Silence.sense(state)
  if (state.round !== null) return { ...state, round: { ...state.round, sent: surplus, deadline } }
  if (!Probing.mayOpen(state, options, inFlight - 1, time)) return state
  const isPaid = state.ramp.free || Budget.isAffordable(state.credit)
  const ramp = isPaid ? state.ramp : { ...state.ramp, unpaidAt: time }
  return { ...state, ramp, round: { size: Probing.size(state, options), sent: 1, rejected: 0, deadline } }
}

/** A call came back without having shown that there was room. */
export const withdrawn = (state: State): State =>
  explains(state.round) ? { ...state, round: { ...state.round, sent: state.round.sent - 1 } } : state

/** Whether the round has probes left that may be rejected. Which call the function refuses is arbitrary. */
export const explains = (round: Ramp.Round | null): round is Ramp.Round =>
  round !== null && round.rejected < round.sent

/** A rejection that the round explains. */
export const rejected = (state: State, round: Ramp.Round, options: Options): State => {
  const counted = { ...round, rejected: round.rejected + 1 }
  return explains(counted) ? { ...state, round: counted } : end(state, counted, options)
}

/** Ends the round whose time has come. */
export const settle = (state: State, options: Options): State =>
  state.round !== null && isOver(state.round, Clock.now(state)) ? end(state, state.round, options) : state

export const isOver = (round: Ramp.Round, time: number): boolean => Clock.isDue(round.deadline, time)

const end = (state: State, round: Ramp.Round, options: Options): State => {
  const after = confirm({ ...state, round: null }, round.sent - round.rejected)
  if (round.rejected === 0) return goOn(after, round, options)
  if (after.loss !== null) return Loss.wait(after)
  if (after.confirmed === 0) return Loss.begin(after, 0)
  const credit = state.ramp.free ? state.credit : Budget.charge(state.credit, round.rejected)
  return Probing.rest({ ...Placement.returned(after, false), credit }, options)
}

/** So many more in flight have been shown to be possible. Coming back to where it was is no growth. */
const confirm = (state: State, admitted: number): State => {
  if (admitted === 0) return state
  const confirmed = state.confirmed + admitted
  const known = { ...state, confirmed, loss: null }
  if (confirmed <= state.ramp.returnTo) return known
  return learn(known, { growth: Growth.found(state.learned.growth, Clock.now(state)) })
}

const goOn = (state: State, round: Ramp.Round, options: Options): State => {
  const isBack = state.ramp.returnTo > 0 && Ramp.hasArrived(state.ramp, state.confirmed)
  const known = isBack ? Placement.returned(state, true) : state
  if (isBack && Placement.isRandom(known, options)) return Tolerance.enter(known)
  if (Ramp.isDone(known.ramp, known.confirmed))
    return Probing.rest(learn(known, { growth: Growth.kept(known.learned.growth) }), options)
  return { ...known, ramp: Ramp.faster(state.ramp, round, state.confirmed, Clock.now(state)) }
}
