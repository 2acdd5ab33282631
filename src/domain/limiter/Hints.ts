import * as Budget from "./Budget.ts"
import * as Clock from "./Clock.ts"
import { learn, type Options, type State } from "./State.ts"

/**
 * Somebody counts replicas (rule 10). The count says when to look, never what will be found: a replica that
 * is there may take one call or a hundred, or be busy with other callers.
 */
export const heard = (state: State, options: Options, replicas: number | undefined): State => {
  if (!options.features.hints) return state
  const time = Clock.now(state)
  const before = state.learned.growth.hint
  const growth = { ...state.learned.growth, hint: { at: time, replicas: replicas ?? null } }
  const isMore = replicas === undefined || before?.replicas == null || replicas > before.replicas
  const told = learn(state, { growth })
  if (!isMore) return told
  const ramp = { ...state.ramp, nextAt: Math.min(state.ramp.nextAt, time) }
  return { ...told, ramp, credit: Budget.forOne(state.credit) }
}
