import { expect, it } from "vitest"
import { isReached, scenarioMarks } from "../../eval/league/Marks.ts"
import { quickRuns } from "../../eval/league/Quick.ts"

const finished = quickRuns()

it("the limiter reaches the marks of the quick scenarios", () => {
  const marks = scenarioMarks(finished)
  expect(marks.length).toBeGreaterThan(25)
  expect(marks.filter((mark) => !isReached(mark))).toEqual([])
})

it("no run of the limiter beats the oracle", () => {
  const drains = finished.flatMap(({ scores }) => Object.values(scores).map(({ drain }) => drain ?? Infinity))
  expect(Math.min(...drains)).toBeGreaterThanOrEqual(0.99)
})

it("the same limiter gives the same numbers, to the last digit", () => {
  expect(JSON.stringify(quickRuns())).toBe(JSON.stringify(finished))
})
