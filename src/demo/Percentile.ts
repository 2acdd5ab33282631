/** The smallest value that at least `fraction` (0 to 1) of the values do not exceed; undefined when there are none. */
export const percentile = (values: ReadonlyArray<number>, fraction: number): number | undefined => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)]
}
