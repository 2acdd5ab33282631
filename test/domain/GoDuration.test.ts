import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as GoDuration from "../../src/domain/GoDuration.ts"

describe("GoDuration", () => {
  it.each([
    ["0", 0],
    ["0s", 0],
    ["500ms", 500],
    ["30s", 30_000],
    ["+30s", 30_000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["1.s", 1000],
    ["1.001s", 1001],
    ["1h0m0s", 3_600_000],
    ["1h2m3s4ms5us6ns", 3_723_004.005006],
    ["1500us", 1.5],
    ["1500µs", 1.5],
    ["1500μs", 1.5],
    ["10ns", 0.00001]
  ])("reads %s as %d ms", (text, millis) => {
    expect(GoDuration.parse(text)).toEqual(Result.succeed(millis))
  })

  it.each([
    "",
    " ",
    "30",
    "1.5",
    "-0",
    "s",
    ".s",
    "30 s",
    "30S",
    "1d",
    "1m 30s",
    "1m30",
    "1e3s",
    "300000h1",
    "--1s"
  ])("refuses %j and says what is allowed", (text) => {
    expect(Result.getFailure(GoDuration.parse(text))).toMatchObject({
      value: expect.stringContaining('such as "500ms", "30s", "1m30s"')
    })
  })

  it("says that negative and endless durations are not allowed", () => {
    expect(GoDuration.parse("-30s")).toEqual(Result.fail(expect.stringContaining("not a negative one")))
    expect(GoDuration.parse("2562048h")).toEqual(Result.fail(expect.stringContaining("at most 292 years")))
    expect(Result.isSuccess(GoDuration.parse("2562047h"))).toBe(true)
  })

  it.each([
    [0, "0s"],
    [0.000001, "1ns"],
    [0.0015, "1.5µs"],
    [500, "500ms"],
    [1500, "1.5s"],
    [30_000, "30s"],
    [90_000, "1m30s"],
    [120_000, "2m"],
    [3_600_000, "1h"],
    [3_601_000, "1h1s"],
    [21_660_000, "6h1m"],
    [3_600_000.0005, "1h0.0000005s"]
  ])("writes %d ms as %s", (millis, text) => {
    expect(GoDuration.format(millis)).toBe(text)
  })

  it("reads back every duration it writes", () => {
    const tenYears = 10 * 365 * 24 * 3600 * 1000
    // Many of them a few nanoseconds more than whole minutes: numbers that JavaScript writes with an exponent.
    const millis = fc.oneof(
      fc.integer({ min: 0, max: tenYears }),
      fc.integer({ min: 0, max: tenYears / 60_000 }).map((minutes) => minutes * 60_000)
    )
    const nanos = fc.oneof(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 0, max: 999_999 }))
    fc.assert(
      fc.property(millis, nanos, (whole, extra) => {
        const duration = whole + extra / 1e6
        const read = Result.getOrThrow(GoDuration.parse(GoDuration.format(duration)))
        // Ten years of nanoseconds are more than a number holds.
        expect(Math.abs(read - duration)).toBeLessThan(0.0001)
      })
    )
  })
})
