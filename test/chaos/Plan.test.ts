import { expect, it } from "vitest"
import { describe, kinds } from "../../chaos/plan/FaultKind.ts"
import { plan } from "../../chaos/plan/Plan.ts"

const campaign = Array.from({ length: 200 }, (_, index) => plan(index + 1, 100))

it("a seed always gives the same plan, and another seed another one", () => {
  expect(plan(7, 1_000)).toEqual(plan(7, 1_000))
  expect(plan(7, 1_000).calls).not.toEqual(plan(8, 1_000).calls)
})

it("a campaign of 200 seeds plans every kind of fault several times, each where it can happen", () => {
  for (const kind of kinds) {
    const runs = campaign.filter(({ faults }) => faults.some((fault) => fault.kind === kind))
    expect(runs.length, kind).toBeGreaterThan(5)
    const { topology } = describe(kind)
    if (topology !== "any") expect(runs.every((run) => run.topology === topology)).toBe(true)
  }
})

it("every run has faults, and each call its own id", () => {
  for (const { calls, faults } of campaign) {
    expect(faults.length).toBeGreaterThan(0)
    const ids = [...calls.stormy, ...calls.calm].map(({ id }) => id)
    expect(new Set(ids).size).toBe(100)
  }
})

it("only the faults that were asked for are planned", () => {
  const { faults } = plan(1, 100, ["worker-killed", "server-killed"])
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(["worker-killed", "server-killed"]))
})
