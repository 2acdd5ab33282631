import {
  REJECT_LATENCY_WEIGHT,
  SENSE_FACTOR,
  SENSE_MAX,
  SENSE_MIN,
  SENSE_SLACK,
  SENSE_UNKNOWN,
  SILENCE_MAX
} from "./Constants.ts"
import { learn, type Options, type State } from "./State.ts"

/**
 * The clock that growth goes by. A 429 is fast, whatever the function does: a call that has not been rejected
 * after a few times the usual latency of a 429 has been admitted, long before it is done.
 */

/** Seconds of silence that mean "admitted". */
export const sense = (state: State): number => {
  const { rejectLatency } = state.learned.evidence
  return rejectLatency === 0
    ? SENSE_UNKNOWN
    : Math.min(SENSE_MAX, Math.max(SENSE_MIN, SENSE_FACTOR * rejectLatency + SENSE_SLACK))
}

/** Whether the function says 429 at all, and soon enough. */
export const isTelling = ({ learned: { evidence } }: State): boolean =>
  evidence.rejectLatency > 0 && evidence.rejectLatency < SILENCE_MAX

/** The concurrency up to which silence is believed; beyond it, throughput has to show that growth helps. */
export const ceiling = (state: State, options: Options): number =>
  isTelling(state) ? options.maxLimit : Math.min(options.maxLimit, state.learned.throughput.ceiling)

/** Learns from one 429. */
export const broken = (state: State, latency: number): State => {
  const { evidence } = state.learned
  const mean = evidence.rejectLatency
  const seen = Number.isFinite(latency) ? Math.max(latency, 1e-6) : mean
  const rejectLatency = mean === 0 ? seen : mean + REJECT_LATENCY_WEIGHT * (seen - mean)
  return learn(state, { evidence: { ...evidence, rejectLatency } })
}
