import { chance } from "./Chance.ts"
import { sampleFunctions } from "./SampleFunctions.ts"

/** A call to be posted. Its id names it for the whole run. */
export interface PlannedCall {
  readonly call: string
  readonly fn: string
}

const WAVES = 4
const LONGEST_INTERVAL_MILLIS = 2_000
/** Of the slow one only as many as it can do in time. */
const MOST_SLOW_CALLS = 160

/** How many calls each function gets; at least one when there are at least as many calls as functions. */
const countsOf = (calls: number): ReadonlyMap<string, number> => {
  const share = (part: number, most = Number.POSITIVE_INFINITY) =>
    Math.max(1, Math.min(most, Math.floor(calls * part)))
  const others = new Map([
    ["resize", share(0.08, MOST_SLOW_CALLS)],
    ["flaky", share(0.2)],
    ["broken", share(0.12)]
  ])
  const taken = [...others.values()].reduce((sum, count) => sum + count, 0)
  return others.set("echo", Math.max(0, calls - taken))
}

/** The calls of a run in the order they are posted, mixed, in waves as the world sends them. */
export const waves = (calls: number, seed: number): ReadonlyArray<ReadonlyArray<PlannedCall>> => {
  const counts = countsOf(calls)
  const planned = sampleFunctions.flatMap(({ name: fn }) =>
    Array.from({ length: counts.get(fn) ?? 0 }, (_, index) => ({ fn, call: `${fn}-${index + 1}` }))
  )
  const mixed = planned
    .map((call) => ({ call, order: chance(seed, call.call, "order") }))
    .sort((a, b) => a.order - b.order)
    .map(({ call }) => call)
  return Array.from({ length: WAVES }, (_, wave) =>
    mixed.slice((wave * calls) / WAVES, ((wave + 1) * calls) / WAVES)
  )
}

/** From the start of one wave to the start of the next, milliseconds. */
export const waveIntervalMillis = (calls: number): number => Math.min(LONGEST_INTERVAL_MILLIS, calls)
