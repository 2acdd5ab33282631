/** Round numbers from 0 to at least `most`, whole and evenly spaced, about `wanted` steps of them. */
export const ticks = (most: number, wanted: number): ReadonlyArray<number> => {
  const rough = Math.max(most, 1) / wanted
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const factor = [1, 2, 5, 10].find((each) => each * magnitude >= rough) ?? 10
  const step = Math.max(1, factor * magnitude)
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) + 1 }, (_, index) => index * step)
}
