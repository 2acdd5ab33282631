import { expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Journal } from "../../src/demo/Journal.ts"
import { percentile } from "../../src/demo/Percentile.ts"
import * as Summary from "../../src/demo/Summary.ts"
import { table } from "../../src/demo/Table.ts"

it("a percentile is one of the values, and that part of them is not above it", () => {
  const fractions = fc.constantFrom(0.5, 0.9, 0.99, 1)
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), fractions, (values, fraction) => {
      const found = percentile(values, fraction) ?? Number.NaN
      expect(values).toContain(found)
      expect(values.filter((value) => value <= found).length).toBeGreaterThanOrEqual(values.length * fraction)
      expect(values.filter((value) => value < found).length).toBeLessThan(values.length * fraction)
    })
  )
})

it("there is no percentile of nothing", () => {
  expect(percentile([], 0.5)).toBeUndefined()
})

it("the columns of a table end at the same place in every line", () => {
  expect(
    table([
      ["name", "n"],
      ["longer", "1000"]
    ])
  ).toEqual(["name       n", "longer  1000"])
})

it("a summary counts each function and all of them", () => {
  const journal = new Journal()
  const call = (name: string, fn: string, status: number, retries: number, latencyMillis: number) => {
    journal.posts.push({ call: name, fn, status: 202 })
    journal.callbacks.push({ call: name, fn, status, retries, latencyMillis, at: 1_000 + latencyMillis })
    for (let n = 0; n <= retries; n++) journal.attempts.push({ call: name, fn })
  }
  call("echo-1", "echo", 200, 0, 4)
  call("echo-2", "echo", 200, 2, 500)
  call("broken-1", "broken", 500, 3, 2_000)
  journal.posts.push({ call: "echo-3", fn: "echo", status: 503 })
  const fates = new Map([
    ["echo-1", "succeeded"],
    ["echo-2", "succeeded"],
    ["broken-1", "dead-lettered"]
  ] as const)

  const summary = Summary.make(journal, { fates, problems: [] })
  expect(summary.all).toEqual({
    name: "all",
    accepted: 3,
    succeeded: 2,
    retried: 2,
    deadLettered: 1,
    callbacks: 3,
    attempts: 8,
    p50: 500,
    p99: 2_000,
    perSecond: 1.5
  })
  expect(Summary.sums(summary.all)).toContain("3 accepted = 2 succeeded + 1 dead-lettered = 3 callbacks")
  expect(Summary.lines(summary)).toEqual([
    "function  accepted  succeeded  retried  dead  callbacks     p50     p99  calls/s",
    "echo             2          2        1     0          2  4.0 ms  500 ms      4.0",
    "resize           0          0        0     0          0       -       -      0.0",
    "flaky            0          0        0     0          0       -       -      0.0",
    "broken           1          0        1     1          1  2.00 s  2.00 s      0.5",
    "all              3          2        2     1          3  500 ms  2.00 s      1.5"
  ])
})
