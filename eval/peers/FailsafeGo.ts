import { type Average, average, include } from "./Average.ts"
import { type Correlation, correlate, correlation } from "./Correlation.ts"
import { type Law, clamp } from "./Peer.ts"

const initial = 20
const least = 1
const most = 200
/** The limit may be this many times the calls that were in flight. */
const maxLimitFactor = 5
const windowSamples = 50
const shortestWindow = 1
const longestWindow = 30
const medianOf = 5
const quantile = 0.9

interface FailsafeGo {
  readonly limit: number
  readonly latencies: ReadonlyArray<number>
  readonly maxInFlight: number
  readonly nextUpdate: number
  readonly quantiles: ReadonlyArray<number>
  readonly recent: Average
  readonly baseline: Average
  readonly throughput: Correlation
  readonly roundTrip: Correlation
}

const sorted = (values: ReadonlyArray<number>): ReadonlyArray<number> =>
  [...values].sort((one, other) => one - other)

const at = (values: ReadonlyArray<number>, share: number): number =>
  sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0

const update = (state: FailsafeGo, isFull: boolean): FailsafeGo => {
  const quantiles = [...state.quantiles, at(state.latencies, quantile)].slice(-medianOf)
  const recent = include(state.recent, at(quantiles, 0.5))
  const baseline = include(state.baseline, recent.value)
  const { maxInFlight, limit } = state
  const throughput = correlate(state.throughput, maxInFlight, maxInFlight / recent.value)
  const roundTrip = correlate(state.roundTrip, maxInFlight, recent.value)

  const queue = Math.ceil(limit * (1 - baseline.value / recent.value))
  const step = Math.max(1, Math.trunc(Math.log10(Math.trunc(limit))))
  const bringsNothing =
    throughput.coefficient < 0 ||
    (throughput.coefficient < 0.3 && roundTrip.coefficient > 0.5) ||
    (throughput.variationOfY < 0.2 && roundTrip.coefficient > 0.5)
  const isTooMuch = queue > 6 * step || (isFull && bringsNothing)
  const wanted = isTooMuch ? limit - step : queue < 3 * step ? limit + step : limit
  const bounded = wanted > maxInFlight * maxLimitFactor ? limit - step : wanted
  return { ...state, limit: clamp(bounded, least, most), quantiles, recent, baseline, throughput, roundTrip }
}

/**
 * failsafe-go, adaptivelimiter: compares the p90 of recent latencies with a baseline and undoes growth that
 * brings no throughput. A 429 is a very fast sample. The p90 is exact here, by t-digest there.
 */
export const failsafeGo: Law<FailsafeGo> = {
  name: "failsafe-go",
  initial: () => ({
    limit: initial,
    latencies: [],
    maxInFlight: 0,
    nextUpdate: 0,
    quantiles: [],
    recent: average(5, 10),
    baseline: average(10, 10),
    throughput: correlation,
    roundTrip: correlation
  }),
  sample: (before, { now, latency, inFlight, inFlightNow }) => {
    const state: FailsafeGo = {
      ...before,
      latencies: [...before.latencies, latency],
      maxInFlight: Math.max(before.maxInFlight, inFlight)
    }
    if (now <= state.nextUpdate || state.latencies.length < windowSamples) return state
    // The permit of this sample is given back after the decision.
    const updated = update(state, inFlightNow + 1 >= Math.floor(state.limit))
    const shortest = Math.max(2 * Math.min(...state.latencies), shortestWindow)
    return { ...updated, latencies: [], maxInFlight: 0, nextUpdate: now + Math.min(shortest, longestWindow) }
  },
  limit: ({ limit }) => limit
}
