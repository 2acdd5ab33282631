import * as Clock from "./Clock.ts"
import { LOSS_MAX, LOSS_MIN, PAUSE_MAX } from "./Constants.ts"
import * as Ramp from "./Ramp.ts"
import * as Random from "./Random.ts"
import { learn, type State } from "./State.ts"

/**
 * Capacity is gone, all of it or some. Nothing leaves but a single call after a while, and after as long
 * again another; meanwhile the confirmed concurrency follows what is in flight down, to 0 if need be. With
 * nothing in flight the function is closed, and this is the limit below 1. The first call that is let through
 * ends it, and what was lost is tried to get back.
 */
export const begin = (state: State, inFlight: number): State => {
  const time = Clock.now(state)
  const ramp = { ...Ramp.to(state.ramp, Math.max(state.confirmed, inFlight), time), lostAt: time }
  const lost: State = {
    ...learn(state, {
      growth: { ...state.learned.growth, changedAt: time },
      evidence: { ...state.learned.evidence, cutSeq: state.seq }
    }),
    confirmed: Math.min(state.confirmed, inFlight),
    round: null,
    tolerance: null,
    ramp,
    loss: state.loss ?? { since: time, pausedUntil: time }
  }
  return wait(lost)
}

/** The next single call. */
export const wait = (state: State): State => {
  const time = Clock.now(state)
  const random = Random.next(state.random)
  const interval = Math.min(LOSS_MAX, Math.max(LOSS_MIN, time - (state.loss?.since ?? time)))
  return {
    ...state,
    random,
    ramp: { ...state.ramp, size: 1, nextAt: time + Random.jittered(interval, random) }
  }
}

/** Calls came back: `inFlight` are left, the single call among them. */
export const follow = (state: State, inFlight: number): State => {
  if (state.loss === null) return state
  const single = state.round === null ? 0 : state.round.sent - state.round.rejected
  const confirmed = Math.max(0, inFlight - single)
  return confirmed < state.confirmed ? { ...state, confirmed } : state
}

/**
 * Retry-After (rule 8). It binds the whole function only when nothing is in flight: one full replica must not
 * stop the others, so otherwise it only puts off the next probe.
 */
export const heed = (state: State, retryAfter: number | undefined): State => {
  if (retryAfter === undefined || !(retryAfter > 0)) return state
  const until = Clock.now(state) + Math.min(retryAfter, PAUSE_MAX)
  const ramp = { ...state.ramp, nextAt: Math.max(until, state.ramp.nextAt) }
  if (state.loss === null || state.confirmed > 0) return { ...state, ramp }
  return { ...state, ramp, loss: { ...state.loss, pausedUntil: Math.max(until, state.loss.pausedUntil) } }
}
