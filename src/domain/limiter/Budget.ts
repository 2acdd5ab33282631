import { BUDGET_BURST, PROBE_MAX, SUCCESSES_PER_REJECTION } from "./Constants.ts"

/**
 * What failed probes may cost. Drain and rejections trade through the rate of probes alone, so that rate is
 * paid for: each success is one point of credit, a rejected probe costs SUCCESSES_PER_REJECTION of them.
 * Below zero is debt, which has to be earned back. (Whole numbers: this moves with every success.)
 */
export type Credit = number

const MOST: Credit = BUDGET_BURST * SUCCESSES_PER_REJECTION

export const start: Credit = MOST

export const earn = (credit: Credit): Credit => Math.min(MOST, credit + 1)

export const isAffordable = (credit: Credit): boolean => credit >= SUCCESSES_PER_REJECTION

/**
 * Since when a probe may leave, after one at `unpaidAt`: without credit one now and then, or nothing is
 * found.
 */
export const affordableAt = (credit: Credit, unpaidAt: number): number =>
  isAffordable(credit) ? Number.NEGATIVE_INFINITY : unpaidAt + PROBE_MAX

/** A round ended with so many rejections. The first probe of one that was not affordable is not charged. */
export const charge = (credit: Credit, rejections: number): Credit => {
  const due = isAffordable(credit) ? rejections : Math.max(0, rejections - 1)
  return credit - due * SUCCESSES_PER_REJECTION
}

/** At least enough for one probe. */
export const forOne = (credit: Credit): Credit => Math.max(credit, SUCCESSES_PER_REJECTION)
