import {
  GAP_QUIET,
  GAP_WEIGHT,
  HINT_FRESH,
  HINT_HOLDS,
  HINT_STRETCH,
  PROBE_MAX,
  PROBE_MIN,
  PROBE_SPREAD,
  SAME_GROWTH
} from "./Constants.ts"
import type { Growth, Options } from "./State.ts"

/** Capacity grew: what is known about growth now. */
export const grew = (growth: Growth, time: number): Growth => {
  const since = time - growth.grewAt
  if (since < SAME_GROWTH) return { ...growth, changedAt: time, grewAt: time }
  const gap = growth.gap === 0 ? since : growth.gap + GAP_WEIGHT * (since - growth.gap)
  return { ...growth, changedAt: time, grewAt: time, gap }
}

/** This worker was the one who saw it. */
export const found = (growth: Growth, time: number): Growth => ({
  ...grew(growth, time),
  finds: growth.finds + 1
})

/** Seconds to the next probe: the longer nothing changed, the rarer. */
export const interval = (growth: Growth, time: number): number =>
  Math.min(PROBE_MAX, Math.max(PROBE_MIN, PROBE_SPREAD * (time - growth.changedAt))) * stretch(growth, time)

/**
 * Who is told of changes need not look for them so often; but what was announced may take a moment to be
 * there.
 */
const stretch = ({ hint }: Growth, time: number): number => {
  if (hint === null || time - hint.at >= HINT_HOLDS) return 1
  return hint.isKept || time - hint.at > HINT_FRESH ? HINT_STRETCH : 1
}

/** All that the hint promised was found. */
export const kept = (growth: Growth): Growth =>
  growth.hint === null ? growth : { ...growth, hint: { ...growth.hint, isKept: true } }

/** Somebody counts replicas, so changes will be told. */
export const isHinted = ({ hint }: Growth, time: number): boolean =>
  hint !== null && time - hint.at < HINT_HOLDS

/** No probe before this time: an autoscaler adds capacity at its own pace, and sooner a probe is wasted. */
export const quietUntil = ({ gap, grewAt }: Growth, options: Options): number =>
  options.features.learnedGap ? grewAt + Math.min(GAP_QUIET * gap, PROBE_MAX) : Number.NEGATIVE_INFINITY
