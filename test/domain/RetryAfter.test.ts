import { describe, expect, it } from "vitest"
import * as RetryAfter from "../../src/domain/RetryAfter.ts"

const now = Date.UTC(1994, 10, 6, 8, 49, 7)

describe("RetryAfter", () => {
  it.each([
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7000],
    ["99999999999999999999999999", Number.MAX_SAFE_INTEGER],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 30_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 30_000],
    ["Sun Nov  6 08:49:37 1994", 30_000],
    ["Sun, 06 Nov 1994 08:00:00 GMT", 0]
  ])("reads %j as %d ms from now", (value, millis) => {
    expect(RetryAfter.parse(value, now)).toBe(millis)
  })

  it.each([
    undefined,
    "",
    " ",
    "-5",
    "1.5",
    "1e3",
    "soon",
    "5s",
    "1, 2",
    "Sun, 06 Nov 1994",
    "Sun, 99 Nov 1994 08:49:37 GMT"
  ])("finds nothing usable in %j", (value) => {
    expect(RetryAfter.parse(value, now)).toBeUndefined()
  })
})
