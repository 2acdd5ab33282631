import * as Budget from "./Budget.ts"
import * as Clock from "./Clock.ts"
import { RAMP_MOST, RAMP_START, RAMP_TIME, RETURN_TIME, START_PACED } from "./Constants.ts"
import * as Growth from "./Growth.ts"
import * as Ramp from "./Ramp.ts"
import * as Random from "./Random.ts"
import * as Siblings from "./Siblings.ts"
import * as Silence from "./Silence.ts"
import type { Options, State } from "./State.ts"

/** When the next round may begin. `Infinity`: not before something else happens. */
export const nextAt = (state: State, options: Options): number => {
  const { credit, loss, ramp } = state
  if (state.tolerance !== null || state.confirmed >= Silence.ceiling(state, options)) return Infinity
  if (loss !== null) return Math.max(ramp.nextAt, loss.pausedUntil)
  return ramp.free ? ramp.nextAt : Math.max(ramp.nextAt, Budget.affordableAt(credit, ramp.unpaidAt))
}

/**
 * Whether a round may begin, with so many in flight. Below the limit there is nothing to find out (rule 4).
 */
export const mayOpen = (state: State, options: Options, inFlight: number, time: number): boolean =>
  state.round === null && inFlight === state.confirmed && Clock.isDue(nextAt(state, options), time)

/** How many probes the next round has, at least 1. */
export const size = (state: State, options: Options): number => {
  const { confirmed, ramp } = state
  const most = Ramp.hasArrived(ramp, confirmed)
    ? Math.min(Silence.ceiling(state, options), ramp.enough ?? Infinity)
    : ramp.returnTo
  return Math.max(1, Math.min(ramp.size, Math.floor(confirmed * part(state)), most - confirmed))
}

/** What a round may add, as a part of what is confirmed: what a failed round costs. */
const part = (state: State): number => {
  const sense = Silence.sense(state)
  if (!Ramp.hasArrived(state.ramp, state.confirmed)) return Math.min(1, sense / RETURN_TIME)
  const isStarting = state.learned.evidence.rejectLatency === 0 && state.confirmed < START_PACED
  return isStarting ? RAMP_START : Math.min(RAMP_MOST, sense / RAMP_TIME)
}

/**
 * The ramp ends: probe by probe from here, and by turns with other workers. At any time in the round of all, or
 * those who stop together would look together, and nobody in between.
 */
export const rest = (state: State, options: Options): State => {
  const others = Siblings.wanting(state.learned.others, Clock.now(state)).length
  if (others === 0) return wait(state, options, 0)
  const random = Random.next(state.random)
  return wait({ ...state, random }, options, 2 * Random.value(random) * others)
}

/** Another worker saw capacity grow: the looking begins anew, for all in their order. */
export const takeTurns = (state: State, options: Options): State => {
  const { others } = state.learned
  const before = Siblings.wanting(others, Clock.now(state)).filter(({ turn }) => turn < others.turn)
  return wait(state, options, before.length - 0.5)
}

/** The next probe comes after one interval and `turns` more. */
const wait = (state: State, options: Options, turns: number): State => {
  const time = Clock.now(state)
  const random = Random.next(state.random)
  const { growth } = state.learned
  const interval = Growth.interval(growth, time)
  const first = Math.max(Random.jittered(interval, random), Growth.quietUntil(growth, options) - time)
  return { ...state, random, ramp: Ramp.onward(state.ramp, time + first + turns * interval) }
}
