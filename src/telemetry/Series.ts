/** One series: plain numbers, because a call changes half a dozen of them. `state` is how Effect's metrics see it. */
export interface Series {
  readonly update: (value: number) => void
  readonly modify: (change: number) => void
  readonly state: () => unknown
  /** One number that changes whenever the series does. */
  readonly magnitude: () => number
}

export const counter = (incremental: boolean): Series => {
  let count = 0
  const add = (by: number) => void (count += by)
  return { update: add, modify: add, state: () => ({ count, incremental }), magnitude: () => count }
}

export const gauge = (): Series => {
  let value = 0
  return {
    update: (now) => void (value = now),
    modify: (change) => void (value += change),
    state: () => ({ value }),
    magnitude: () => value
  }
}

export const histogram = (bounds: ReadonlyArray<number>): Series => {
  const counts = bounds.map(() => 0)
  let count = 0
  let sum = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  const record = (value: number) => {
    count++
    sum += value
    if (value < min) min = value
    if (value > max) max = value
    for (let at = 0; at < bounds.length; at++) {
      if (value <= (bounds[at] ?? 0)) {
        counts[at] = (counts[at] ?? 0) + 1
        return
      }
    }
  }
  const state = () => {
    let below = 0
    const buckets = bounds.map((bound, at) => [bound, (below += counts[at] ?? 0)] as const)
    return { buckets, count, min, max, sum }
  }
  return { update: record, modify: record, state, magnitude: () => count }
}
