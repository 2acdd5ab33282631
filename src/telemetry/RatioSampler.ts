/** Random bits of a trace's id that decide. */
const BITS = 56n
const DIGITS = Number(BITS) / 4

/**
 * Which traces are sampled when a share of them is (from 0 to 1): those whose last 56 bits, which are random, are not
 * below a threshold. So all programs that go by this rule decide alike about a trace.
 * Source: https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
 */
export const ratioSampler = (ratio: number): ((traceId: string) => boolean) => {
  const threshold = BigInt(Math.round((1 - ratio) * 2 ** Number(BITS)))
  if (threshold === 2n ** BITS) return () => false
  // Hex digits in lower case, and as many, are in the order of what they stand for.
  const digits = threshold.toString(16).padStart(DIGITS, "0")
  return (traceId) => traceId.slice(-DIGITS) >= digits
}
