import * as Clock from "./Clock.ts"
import {
  CUT,
  GAIN_ACCEPTED,
  GAIN_GOOD,
  HOLD_LOST,
  HOLD_MAX,
  HOLD_MIN,
  LATENCY_SPREAD,
  SAMPLE_POOL,
  SAMPLE_USE,
  SLOWER,
  STEP_CAREFUL,
  STEP_GOOD
} from "./Constants.ts"
import * as Sample from "./Sample.ts"
import * as Silence from "./Silence.ts"
import { learn, type Options, type State, type Throughput as Known } from "./State.ts"

/**
 * Growth for functions that never say 429, or not before their work is done: they only get slower (rule 5).
 * Every step has to pay in throughput, which is calls in flight over latency; one that does not is taken
 * back.
 */

/** The sample with a call that was completed; `inFlight` are left. */
export const sampled = (
  state: State,
  options: Options,
  answer: { readonly seq: number; readonly latency: number },
  inFlight: number
): Sample.Sample => {
  const { sample } = state
  if (Silence.isTelling(state)) return sample
  const ceiling = Silence.ceiling(state, options)
  // Far from the limit and with nothing waiting there is nothing to measure.
  if (!state.wants && inFlight + 1 < SAMPLE_USE * ceiling) return sample
  if (sample.at !== ceiling || Sample.hasPassed(sample, answer.seq)) return Sample.begin(ceiling, state.seq)
  return Sample.add(sample, answer.seq, answer.latency, inFlight)
}

/** What follows from the sample as it is now. */
export const judged = (state: State): State => {
  const { sample } = state
  if (sample.count === 0 || Silence.isTelling(state)) return state
  if (isSlower(sample, state.learned.throughput.best)) return slower(state, sample.at)
  if (!Sample.isDone(sample)) return state
  return Sample.isIdle(sample) ? again(state, sample.at) : judge(state, Sample.measured(sample))
}

/** The same after a failure, which is not about room: what would lower the limit waits for another answer. */
export const judgedKindly = (state: State): State => {
  const next = judged(state)
  return next.learned.throughput.ceiling < state.sample.at ? state : next
}

/** Measures anew. */
const again = (state: State, at: number): State => ({ ...state, sample: Sample.begin(at, state.seq) })

const judge = (state: State, now: Sample.Measured): State => {
  const { best, holdUntil, trial } = state.learned.throughput
  if (best === null && Clock.now(state) >= holdUntil) return step(remember(state, now), now.at, STEP_GOOD)
  if (best === null || now.at < best.at) return again(remember(state, now), now.at)
  if (now.at === best.at) return steady(state, best, now)
  return tried(state, best, trial?.at === now.at ? Sample.mean(trial, now) : now)
}

/** The limit was raised from `best.at`: did it pay? As long as chance may have decided, more is measured. */
const tried = (state: State, best: Sample.Measured, now: Sample.Measured): State => {
  const doubt = LATENCY_SPREAD * Math.sqrt(1 / best.count + 1 / now.count)
  const seen = gain(best, now, 0)
  if (seen >= GAIN_ACCEPTED) return grown(state, best, now, seen >= GAIN_GOOD)
  const isHopeless = gain(best, now, doubt) < GAIN_ACCEPTED || now.count >= SAMPLE_POOL
  if (isHopeless) return back(state, best.at)
  return again(revised(state, { trial: now }), now.at)
}

/** The part of the added concurrency that became throughput, if latency was measured too high by `doubt`. */
const gain = (best: Sample.Measured, now: Sample.Measured, doubt: number): number => {
  const share = best.at / now.at
  return ((best.latency / now.latency) * (1 + doubt) - share) / (1 - share)
}

/** Growth paid. Where it paid well, latency is what it was, and both samples tell what that is. */
const grown = (state: State, best: Sample.Measured, now: Sample.Measured, isGood: boolean): State => {
  const known = remember(state, isGood ? Sample.mean(best, now) : now)
  return step(revised(known, { hold: HOLD_MIN }), now.at, isGood ? STEP_GOOD : STEP_CAREFUL)
}

const remember = (state: State, best: Sample.Measured): State => revised(state, { best, trial: null })

const revised = (state: State, news: Partial<Known>): State =>
  learn(state, { throughput: { ...state.learned.throughput, ...news } })

/** Silence may take the limit further. What leaves on the way there is measured already. */
const step = (state: State, from: number, factor: number): State => {
  const ceiling = Math.ceil(from * factor)
  return again(revised(state, { ceiling }), ceiling)
}

/** Growth brought nothing: it is taken back, and not tried again for a while. */
const back = (state: State, to: number): State => {
  const { hold } = state.learned.throughput
  const holdUntil = Clock.now(state) + hold
  const less = { ...state, confirmed: Math.min(state.confirmed, to) }
  const next = Math.min(HOLD_MAX, 2 * hold)
  return again(revised(less, { ceiling: to, trial: null, holdUntil, hold: next }), to)
}

/** Nothing was changed: capacity may have grown, or it is time to try whether it has. */
const steady = (state: State, best: Sample.Measured, now: Sample.Measured): State => {
  if (now.latency * SLOWER < best.latency) return grown(state, now, now, true)
  const known = remember(state, Sample.mean(best, now))
  return Clock.now(state) < state.learned.throughput.holdUntil
    ? again(known, now.at)
    : step(known, now.at, STEP_CAREFUL)
}

/** The function lost capacity: the same concurrency takes far longer than it did. */
const isSlower = (sample: Sample.Sample, best: Sample.Measured | null): boolean =>
  best !== null &&
  sample.at === best.at &&
  Sample.isTelling(sample) &&
  sample.latency > SLOWER * best.latency * sample.count

const slower = (state: State, at: number): State => {
  const less = Math.max(1, Math.floor(CUT * at))
  const holdUntil = Clock.now(state) + HOLD_LOST
  const lower = { ...state, confirmed: Math.min(state.confirmed, less) }
  return again(revised(lower, { ceiling: less, best: null, trial: null, holdUntil }), less)
}

/** A function whose 429s are too slow for silence, or that has none, had no room beyond `level`. */
export const full = (state: State, level: number): State => {
  if (Silence.isTelling(state)) return state
  const { ceiling: before, hold } = state.learned.throughput
  const ceiling = Math.min(before, Math.max(1, level))
  return again(revised(state, { ceiling, holdUntil: Clock.now(state) + hold }), ceiling)
}
