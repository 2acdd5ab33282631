import { Result } from "effect"
import * as GoDuration from "./GoDuration.ts"

const allowed =
  "how long ago, such as 90s, 30m or 2h30m, or a time such as 2026-11-20T13:00:00Z or 2026-11-20"

const rfc3339 = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d))?$/

/**
 * Reads a moment as people give it: a Go duration before `nowMillis`, or an RFC 3339 time (a date alone is its
 * first moment in UTC).
 *
 * @returns milliseconds since 1970, or what is allowed.
 */
export const parse = (text: string, nowMillis: number): Result.Result<number, string> => {
  const ago = GoDuration.parse(text)
  if (Result.isSuccess(ago)) return Result.succeed(nowMillis - ago.success)
  const millis = rfc3339.test(text) ? Date.parse(text.replace(" ", "T").toUpperCase()) : Number.NaN
  return Number.isNaN(millis) ? Result.fail(allowed) : Result.succeed(millis)
}
