/** The latest pairs of two values, and how the two go together. */
export interface Correlation {
  readonly pairs: ReadonlyArray<readonly [number, number]>
  /** From -1 to 1; 0 as long as little is known or little changes. */
  readonly coefficient: number
  /** Deviation by mean of the second value. */
  readonly variationOfY: number
}

const most = 50
const warmUp = 10
const leastVariation = 0.01

export const correlation: Correlation = { pairs: [], coefficient: 0, variationOfY: 0 }

const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

const spread = (values: ReadonlyArray<number>): { mean: number; deviation: number; variation: number } => {
  const middle = mean(values)
  const deviation = Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
  return { mean: middle, deviation, variation: deviation / middle }
}

export const correlate = (before: Correlation, newX: number, newY: number): Correlation => {
  const pairs = [...before.pairs, [newX, newY] as const].slice(-most)
  if (pairs.length < warmUp) return { pairs, coefficient: 0, variationOfY: 0 }
  const x = spread(pairs.map(([value]) => value))
  const y = spread(pairs.map(([, value]) => value))
  if (x.variation < leastVariation || y.variation < leastVariation) {
    return { pairs, coefficient: 0, variationOfY: y.variation }
  }
  const covariance = mean(pairs.map(([one, other]) => (one - x.mean) * (other - y.mean)))
  return { pairs, coefficient: covariance / (x.deviation * y.deviation), variationOfY: y.variation }
}
