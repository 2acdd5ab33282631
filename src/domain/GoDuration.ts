import { Result } from "effect"

const nanosPerUnit: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // U+00B5, the micro sign
  μs: 1e3, // U+03BC, the Greek letter: Go takes both
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9
}

const parts = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g
const whole = new RegExp(`^(?:${parts.source})+$`)
const longestNanos = 2 ** 63

const allowed = 'a duration with units, such as "500ms", "30s", "1m30s" or "6h"'

/**
 * Reads a duration in the grammar of Go's `time.ParseDuration`; fractions of a millisecond are kept.
 * Negative durations are refused: no setting and no annotation has a use for one.
 *
 * @returns milliseconds, or what is allowed, to be put after "allowed is".
 */
export const parse = (text: string): Result.Result<number, string> => {
  if (text.startsWith("-")) return Result.fail(`${allowed}, not a negative one`)
  const unsigned = text.startsWith("+") ? text.slice(1) : text
  if (unsigned === "0") return Result.succeed(0)
  if (!whole.test(unsigned)) return Result.fail(allowed)

  let nanos = 0
  for (const [, amount = "", unit = ""] of unsigned.matchAll(parts)) {
    // Rounded to whole nanoseconds, as Go keeps them: 1.001 * 1e9 is not 1001000000 in floating point.
    nanos += Math.round(Number(amount) * (nanosPerUnit[unit] ?? Number.NaN))
  }
  return nanos < longestNanos ? Result.succeed(nanos / 1e6) : Result.fail(`${allowed}, at most 292 years`)
}

/**
 * Writes a duration of `millis` (finite, not negative) the way people write it in Go's grammar, to the
 * nanosecond: `90000` is `1m30s`, `500` is `500ms`. `parse` reads it back.
 */
export const format = (millis: number): string => {
  const nanos = Math.round(millis * 1e6)
  if (nanos === 0) return "0s"
  if (nanos < 1e3) return `${nanos}ns`
  if (nanos < 1e6) return `${nanos / 1e3}µs`
  if (nanos < 1e9) return `${nanos / 1e6}ms`
  const hours = Math.floor(nanos / 3600e9)
  const minutes = Math.floor((nanos % 3600e9) / 60e9)
  // Not as JavaScript writes small numbers: Go's grammar has no exponents.
  const seconds = ((nanos % 60e9) / 1e9).toFixed(9).replace(/\.?0+$/, "")
  return [
    hours > 0 ? `${hours}h` : "",
    minutes > 0 ? `${minutes}m` : "",
    seconds === "0" ? "" : `${seconds}s`
  ].join("")
}
