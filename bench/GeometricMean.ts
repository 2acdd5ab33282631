/**
 * The mean of ratios, which says the same of a / b as of b / a, and how far it may be off by chance (one standard
 * error), both as factors.
 */
export const geometricMean = (
  ratios: ReadonlyArray<number>
): { readonly mean: number; readonly error: number } => {
  const logs = ratios.map(Math.log)
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1)
  return { mean: Math.exp(mean), error: Math.exp(mean) * Math.sqrt(variance / logs.length) }
}
