import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as RetryPolicy from "../../src/domain/RetryPolicy.ts"

const base: RetryPolicy.RetryPolicy = {
  maxAttempts: 100,
  initialWait: 10_000,
  maxWait: 120_000,
  codes: new Set([408, 429, 500, 502, 503, 504]),
  backoff: "exponential"
}

const hour = 3_600_000

const delays = (policy: RetryPolicy.RetryPolicy, retries: number) =>
  Array.from({ length: retries }, (_, index) => RetryPolicy.delayTable(policy)(index + 1))

const next = (policy: RetryPolicy.RetryPolicy, retry: number, random: number, retryAfter?: number) =>
  RetryPolicy.nextDelay(policy, retry, { random, retryAfter })

describe("RetryPolicy.delayTable", () => {
  it("doubles from the first wait up to the longest", () => {
    expect(delays(base, 6)).toEqual([10_000, 20_000, 40_000, 80_000, 120_000, 120_000])
  })

  it("has a delay for the last retry and none after it", () => {
    expect(delays({ ...base, maxAttempts: 2 }, 4)).toEqual([10_000, 20_000, undefined, undefined])
    expect(delays({ ...base, maxAttempts: 0 }, 1)).toEqual([undefined])
    expect(RetryPolicy.delayTable(base)(100)).toBe(120_000)
    expect(RetryPolicy.delayTable(base)(101)).toBeUndefined()
  })

  it("knows any retry without being asked for those before it, in any order", () => {
    const table = RetryPolicy.delayTable({ ...base })
    expect([table(4), table(1), table(3)]).toEqual([80_000, 10_000, 40_000])
  })

  it("never waits when the first wait is 0, however many retries", () => {
    expect(delays({ ...base, initialWait: 0 }, 3)).toEqual([0, 0, 0])
    expect(RetryPolicy.delayTable({ ...base, initialWait: 0, maxAttempts: 5000 })(5000)).toBe(0)
  })

  it("is bounded by the longest wait even where doubling leaves the numbers, and when the first is longer", () => {
    expect(RetryPolicy.delayTable({ ...base, maxAttempts: 5000 })(5000)).toBe(120_000)
    expect(delays({ ...base, initialWait: 10_000, maxWait: 5000 }, 2)).toEqual([5000, 5000])
  })

  it("is made once for a policy", () => {
    expect(RetryPolicy.delayTable(base)).toBe(RetryPolicy.delayTable(base))
  })
})

describe("RetryPolicy.nextDelay", () => {
  it.each([
    ["exponential", 0, 20_000],
    ["exponential", 0.75, 20_000],
    ["full", 0, 0],
    ["full", 0.75, 15_000],
    ["equal", 0, 10_000],
    ["equal", 0.75, 17_500]
  ] as const)("spreads the delay: %s with %d gives %d ms", (backoff, random, delay) => {
    expect(next({ ...base, backoff }, 2, random)).toBe(delay)
  })

  it.each([
    [30_000, 30_000],
    [0, 10_000],
    [9_999, 10_000],
    [200_000, 200_000],
    [hour + 1, hour],
    [Number.MAX_SAFE_INTEGER, hour]
  ])(
    "waits what Retry-After asks for within bounds: %d gives %d ms, with any jitter",
    (retryAfter, delay) => {
      for (const backoff of ["exponential", "full", "equal"] as const) {
        expect(next({ ...base, backoff }, 1, 0.5, retryAfter)).toBe(delay)
      }
    }
  )

  it("keeps a first wait of more than an hour against Retry-After", () => {
    expect(next({ ...base, initialWait: 2 * hour }, 1, 0, 1000)).toBe(2 * hour)
  })

  it("does not let Retry-After buy a retry that is not left", () => {
    expect(next({ ...base, maxAttempts: 1 }, 2, 0, 1000)).toBeUndefined()
  })

  it("is a whole number of milliseconds between what the jitter allows and the longest wait", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const policies = fc.record({
      maxAttempts: fc.integer({ min: 1, max: 20 }),
      initialWait: fc.double({ min: 0, max: 60_000, noNaN: true }),
      maxWait: fc.integer({ min: 0, max: 600_000 }),
      codes: fc.constant(base.codes),
      backoff: fc.constantFrom<RetryPolicy.Backoff>("exponential", "full", "equal")
    })
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 20 }), random, (policy, retry, chance) => {
        fc.pre(retry <= policy.maxAttempts)
        const full = Math.min(policy.maxWait, policy.initialWait * 2 ** (retry - 1))
        const least = { exponential: full, equal: full / 2, full: 0 }[policy.backoff]
        const delay = next(policy, retry, chance) ?? Number.NaN
        expect(Number.isInteger(delay)).toBe(true)
        expect(delay).toBeGreaterThanOrEqual(Math.floor(least))
        expect(delay).toBeLessThanOrEqual(Math.ceil(full))
      })
    )
  })
})

describe("RetryPolicy.withAnnotations", () => {
  it("is the worker's own policy when a function overrides nothing", () => {
    expect(RetryPolicy.withAnnotations(base, {}).policy).toBe(base)
    expect(RetryPolicy.withAnnotations(base, { "com.openfaas.queue": "slow" })).toEqual({
      policy: base,
      invalid: []
    })
  })

  const all = {
    "com.openfaas.retry.attempts": "5",
    "com.openfaas.retry.codes": "429, 503",
    "com.openfaas.retry.min_wait": "500ms",
    "com.openfaas.retry.max_wait": "1m30s"
  }

  it("takes what a function overrides and the worker's values for the rest", () => {
    expect(RetryPolicy.withAnnotations(base, all)).toEqual({
      policy: { ...base, maxAttempts: 5, codes: new Set([429, 503]), initialWait: 500, maxWait: 90_000 },
      invalid: []
    })
    expect(RetryPolicy.withAnnotations(base, { "com.openfaas.retry.attempts": "0" }).policy).toEqual({
      ...base,
      maxAttempts: 0
    })
  })

  it("gives the same policy for the same annotations, so that its table is made once", () => {
    const { policy } = RetryPolicy.withAnnotations(base, all)
    expect(RetryPolicy.withAnnotations(base, { ...all }).policy).toBe(policy)
    expect(RetryPolicy.withAnnotations({ ...base, maxAttempts: 7 }, all).policy).not.toBe(policy)
  })

  it.each([
    ["attempts", "-1", "100"],
    ["attempts", "1.5", "100"],
    ["attempts", "many", "100"],
    ["attempts", "", "100"],
    ["attempts", "1000000", "100"],
    ["codes", "", "408,429,500,502,503,504"],
    ["codes", "429;503", "408,429,500,502,503,504"],
    ["codes", "200", "408,429,500,502,503,504"],
    ["codes", "600", "408,429,500,502,503,504"],
    ["codes", "429,", "408,429,500,502,503,504"],
    ["min_wait", "10", "10s"],
    ["max_wait", "-1s", "2m"]
  ])("says that %s may not be %j and that the worker's %s is used", (name, value, used) => {
    const key = `com.openfaas.retry.${name}`
    const { policy, invalid } = RetryPolicy.withAnnotations(base, { [key]: value })
    expect(policy).toEqual(base)
    expect(invalid).toEqual([expect.stringContaining(`${key} is ${JSON.stringify(value)}, allowed is `)])
    expect(invalid).toEqual([expect.stringContaining(`the worker's ${used} is used`)])
  })

  it("takes the valid annotations beside invalid ones", () => {
    const { policy, invalid } = RetryPolicy.withAnnotations(base, { ...all, "com.openfaas.retry.codes": "x" })
    expect(policy).toEqual({ ...base, maxAttempts: 5, initialWait: 500, maxWait: 90_000 })
    expect(invalid).toHaveLength(1)
  })
})

describe("RetryPolicy.codesFromText", () => {
  it("reads a list of statuses, and says what is allowed", () => {
    expect(RetryPolicy.codesFromText("408,429")).toEqual(Result.succeed(new Set([408, 429])))
    expect(RetryPolicy.codesFromText("4xx")).toEqual(
      Result.fail(expect.stringContaining('such as "429,500,503"'))
    )
  })
})
