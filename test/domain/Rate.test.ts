import { Result } from "effect"
import { expect, it } from "vitest"
import * as Rate from "../../src/domain/Rate.ts"

it.each([
  ["10/s", 100],
  ["10", 100],
  ["0.5/s", 2_000],
  ["30/m", 2_000],
  ["3600/h", 1_000]
])("%s is a rate", (text, intervalMillis) => {
  expect(Rate.parse(text)).toEqual(Result.succeed(intervalMillis))
})

it.each(["", "0", "0/s", "-1/s", "fast", "10/d", "10 /s", "1e3/s"])("%j is none", (text) => {
  expect(Rate.parse(text)).toEqual(Result.fail(expect.stringContaining("such as 10/s")))
})
