import { readFile } from "node:fs/promises"
import { expect, it } from "vitest"
import { markdown, neverStruck, ranges } from "../../chaos/report/Markdown.ts"
import * as Results from "../../chaos/report/Results.ts"
import { type Row, rowOf } from "../../chaos/report/Row.ts"
import { plan } from "../../chaos/plan/Plan.ts"
import { accepted, attempt, fault, history, look, refused, rules } from "./Story.ts"

const rowFrom = (events: ReturnType<typeof history>): Row =>
  rowOf({ plan: plan(3, 10), events, rules, violations: [], settledIn: 1_200 }, "2.10.27")

const end = look(10_000, "end")

it("a row counts what happened: calls, attempts, repetitions and faults by kind", () => {
  const row = rowFrom(
    history(
      accepted(0, "a"),
      refused(0, "b", "unknown"),
      attempt(10, 20, "a", 500),
      attempt(60, 70, "a", 200),
      fault(71, 90, "worker-killed", "w1"),
      attempt(4_060, 4_070, "a", 200, "w2.1"),
      end
    )
  )
  expect(row).toMatchObject({ seed: 3, posted: 2, accepted: 1, attempts: 3, repeated: 1, dead: 0 })
  expect(row.faults).toEqual({ "function-500": 1, "worker-killed": 1 })
})

it("a limit of the stream has struck only when a call was refused for it", () => {
  const limited = fault(100, 600, "stream-limit", "nats")
  expect(rowFrom(history(limited, end)).faults).toEqual({})
  expect(rowFrom(history(limited, refused(300, "a", "no"), end)).faults).toEqual({ "stream-limit": 1 })
})

it("the report names its command, the sums by kind, and the kinds that no run has met", () => {
  const row = rowFrom(history(fault(71, 90, "worker-killed", "w1"), end))
  const text = markdown([row, { ...row, seed: 4 }])
  expect(text).toContain("`npm run chaos -- --seeds 3-4`")
  expect(text).toContain("| worker-killed | a worker is killed (-9) at a random moment | 2 | 2 |")
  expect(text).toContain("Never struck: server-killed, ")
  expect(neverStruck([row])).not.toContain("worker-killed")
})

it("seeds are written as ranges", () => {
  expect(ranges([1, 2, 3, 7, 9, 10])).toBe("1-3,7,9-10")
  expect(ranges([])).toBe("")
})

it("the report is what the results give, and the README says how many seeds were run", async () => {
  const rows = await Results.all()
  expect(await readFile("chaos/report.md", "utf8")).toBe(markdown(rows))
  const violations = rows.reduce((sum, row) => sum + row.violations, 0)
  const readme = await readFile("README.md", "utf8")
  expect(readme).toContain(
    `${rows.length} seeds so far, ${violations} violations ([report](chaos/report.md))`
  )
})
