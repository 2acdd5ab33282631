import * as Budget from "./Budget.ts"
import * as Clock from "./Clock.ts"
import type * as Ramp from "./Ramp.ts"
import * as Random from "./Random.ts"
import { learn, type Options, type State } from "./State.ts"

/**
 * Somebody counts replicas (rule 10). The count says when to look and how far there is reason to, never what
 * will be found: a replica that is there may take one call or a hundred, or be busy with other callers.
 */
export const heard = (state: State, options: Options, replicas: number | undefined): State => {
  if (!options.features.hints) return state
  const time = Clock.now(state)
  const before = state.learned.growth.hint
  const told = learn(state, {
    growth: { ...state.learned.growth, hint: { at: time, replicas: replicas ?? null, isKept: false } }
  })
  if (replicas === undefined) return look(told, time, null)
  // The first count tells of no change.
  if (before?.replicas == null || replicas <= before.replicas) return told
  return expect(told, time, replicas / before.replicas)
}

/** So many times the replicas should take so many times the calls. */
const expect = (state: State, time: number, factor: number): State => {
  if (state.ramp.free || !Number.isFinite(factor)) return look(state, time, null)
  const random = Random.next(state.random)
  const from = state.ramp.enough ?? state.confirmed
  const level = Math.floor(from * factor + Random.value(random))
  return look({ ...state, random }, time, Math.max(state.confirmed + 1, level))
}

const look = (state: State, time: number, enough: Ramp.Ramp["enough"]): State => ({
  ...state,
  ramp: { ...state.ramp, nextAt: Math.min(state.ramp.nextAt, time), enough },
  credit: Budget.forOne(state.credit)
})
