import {
  ASK_EVERY,
  GIFT_HOLDS,
  GIVE_EVERY,
  GIVE_PART,
  PROBE_MIN,
  SHARE_SLACK,
  WANTS_USE
} from "./Constants.ts"
import * as Clock from "./Clock.ts"
import * as Growth from "./Growth.ts"
import type { Context, News } from "./Limiter.ts"
import * as Probing from "./Probing.ts"
import * as Ramp from "./Ramp.ts"
import * as Random from "./Random.ts"
import * as Siblings from "./Siblings.ts"
import { learn, type Options, type State } from "./State.ts"

/**
 * Workers that serve the same function and hear of each other share evenly (rule 11): who has more than the
 * mean gives some of it up as its calls end, and who has less looks for it. Nothing depends on a message:
 * what was not heard for a few seconds is forgotten, and everybody is on their own again.
 */

/**
 * What to tell the others; nothing while there is room enough, unless another worker finds the function closed: it
 * should know that it is so to itself alone.
 */
export const news = (state: State, context: Context, time: number): Omit<News, "worker"> | undefined => {
  const { confirmed } = state
  const { growth, others } = state.learned
  const { inFlight, waiting } = context
  const wants = waiting > 0 && inFlight >= WANTS_USE * confirmed
  if (!wants && !Siblings.isOneShut(others, time)) return undefined
  const holds = Math.max(confirmed, inFlight)
  const { at, size } = others.gift
  const gives = time - at <= GIFT_HOLDS ? Math.max(0, size - (holds - confirmed)) : 0
  return { holds, gives, wants, finds: growth.finds, turn: others.turn }
}

export const heard = (state: State, options: Options, news: News): State => {
  if (!options.features.sharing) return state
  const { others } = state.learned
  const before = others.siblings[news.worker]
  const listened = learn(state, { others: Siblings.heard(others, news, Clock.now(state)) })
  if (before === undefined) return balance(listened, options)
  const known = news.finds > before.finds ? found(listened, options) : listened
  const isOpenAgain = state.loss !== null && news.holds > before.holds
  return isOpenAgain ? ask(known, options, news.holds) : balance(known, options)
}

/** When none was heard for a while, what was left to the others is looked for at once. */
export const forget = (state: State): State => {
  const { others } = state.learned
  if (others.heardAt === null) return state
  const time = Clock.now(state)
  if (!Siblings.areSilent(others, time)) return state
  const ramp = { ...state.ramp, nextAt: Math.min(state.ramp.nextAt, time + PROBE_MIN) }
  return learn({ ...state, ramp }, { others: Siblings.forgotten(others) })
}

/** Another worker saw capacity grow: what it knows is known to all. */
const found = (state: State, options: Options): State => {
  const time = Clock.now(state)
  const known = learn(state, { growth: Growth.grew(state.learned.growth, time) })
  const isBusy = state.round !== null || state.loss !== null || state.ramp.free
  return isBusy || Growth.isHinted(state.learned.growth, time) ? known : Probing.takeTurns(known, options)
}

const balance = (state: State, options: Options): State => {
  if (!state.wants || state.tolerance !== null || state.round !== null) return state
  const { confirmed } = state
  const time = Clock.now(state)
  const others = Siblings.wanting(state.learned.others, time)
  const free = Siblings.gifts(state.learned.others, time)
  const mean = others.reduce((sum, { holds }) => sum + holds, confirmed + free) / (others.length + 1)
  const poor = others.filter(({ holds }) => holds + 1 <= mean)
  if (confirmed > SHARE_SLACK * mean && poor.length > 0) {
    const missing = poor.reduce((sum, { holds }) => sum + Math.floor(mean) - holds, 0)
    return give(state, Math.min(missing, Math.ceil(GIVE_PART * (confirmed - mean))))
  }
  if (free === 0 || confirmed + 1 > mean) return state
  const random = Random.next(state.random)
  const share = free / (poor.length + 1)
  // As many ask as there is something for.
  return Random.value(random) < share
    ? ask({ ...state, random }, options, Math.min(Math.floor(mean), confirmed + Math.ceil(share)))
    : { ...state, random }
}

/** Part of the surplus, once in a while: the others need time to find it. */
const give = (state: State, size: number): State => {
  const time = Clock.now(state)
  const { others } = state.learned
  if (state.loss !== null || time < others.gift.at + GIVE_EVERY) return state
  const ramp = Ramp.onward(state.ramp, Math.max(state.ramp.nextAt, time + 2 * GIVE_EVERY))
  const less = { ...state, confirmed: state.confirmed - size, ramp }
  return learn(less, { others: { ...others, gift: { size, at: time } } })
}

/** There is room: look now, as far as the fair share. */
const ask = (state: State, options: Options, share: number): State => {
  const time = Clock.now(state)
  const { others } = state.learned
  if (state.round !== null || time < others.askedAt + ASK_EVERY) return state
  const level = Math.min(share, options.maxLimit)
  const ramp = Ramp.to(state.ramp, level, Math.min(state.ramp.nextAt, time))
  return learn({ ...state, ramp }, { others: Siblings.asked(others, time) })
}
