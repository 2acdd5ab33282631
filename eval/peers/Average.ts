/** A moving average: the mean of the first `warmUp` values, then exponential with weight `2 / (window + 1)`. */
export interface Average {
  readonly value: number
  readonly count: number
  readonly window: number
  readonly warmUp: number
}

export const average = (window: number, warmUp: number): Average => ({ value: 0, count: 0, window, warmUp })

export const include = (average: Average, value: number): Average => {
  const count = Math.min(average.count + 1, average.warmUp)
  const weight = average.count < average.warmUp ? 1 / count : 2 / (average.window + 1)
  return { ...average, count, value: average.value + weight * (value - average.value) }
}
