import { Result } from "effect"

const millisPer: Readonly<Record<string, number>> = { "": 1_000, s: 1_000, m: 60_000, h: 3_600_000 }

/**
 * Reads a rate such as `10/s`, `30/m` or `0.5/s`; without a unit it is per second.
 *
 * @returns milliseconds between one and the next, or what is allowed.
 */
export const parse = (text: string): Result.Result<number, string> => {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(?:\/([smh]))?$/.exec(text) ?? []
  const interval = (millisPer[unit] ?? 0) / Number(amount || 0)
  return interval > 0 && Number.isFinite(interval)
    ? Result.succeed(interval)
    : Result.fail("a number above 0 per second, minute or hour, such as 10/s or 30/m")
}
