/** [time, value]: a value that holds until the next one's time. */
export type Steps = ReadonlyArray<readonly [number, number]>

/** The mean of steps in each of `count` bins of `width` from 0 on; 0 before the first step. */
export const means = (steps: Steps, width: number, count: number): ReadonlyArray<number> => {
  let next = 0
  let value = 0
  return Array.from({ length: count }, (_, bin) => {
    const end = (bin + 1) * width
    let area = 0
    for (let time = bin * width; time < end;) {
      for (; (steps[next]?.[0] ?? Number.POSITIVE_INFINITY) <= time; next++) value = steps[next]?.[1] ?? 0
      const until = Math.min(end, steps[next]?.[0] ?? end)
      area += value * (until - time)
      time = until
    }
    return area / width
  })
}

/** How many of the times are in each bin. */
export const counts = (times: ReadonlyArray<number>, width: number, count: number): ReadonlyArray<number> => {
  const bins = Array.from({ length: count }, () => 0)
  for (const time of times) {
    const bin = Math.floor(time / width)
    if (bin >= 0 && bin < count) bins[bin] = (bins[bin] ?? 0) + 1
  }
  return bins
}
