import { expect, it } from "vitest"
import { ablations, contenders } from "../../eval/Contenders.ts"
import { type Finished, type Job, work } from "../../eval/league/Job.ts"
import { isReached, scenarioMarks } from "../../eval/league/Marks.ts"
import { workAll } from "../../eval/league/Pool.ts"
import { duel, geometricMean } from "../../eval/league/Summary.ts"
import { markdown } from "../../eval/report/Markdown.ts"
import { page } from "../../eval/report/Page.ts"
import { table } from "../../eval/report/Table.ts"
import { suite } from "../../eval/scenarios/Suite.ts"
import { quantile } from "../../eval/simulation/Quantile.ts"
import { targets } from "../../eval/Targets.ts"

const job = (scenario: string, names: ReadonlyArray<string>): Job => ({
  scenario,
  contenders: names,
  seeds: [1],
  pictures: names
})

const all = contenders.map(({ name }) => name)

const everybody = (scenario: string): Job => ({
  ...job(scenario, all),
  contenders: all.concat(ablations.map(({ name }) => name))
})

it("every scenario has targets", () => {
  const known = new Set(targets.map(({ scenario }) => scenario))
  expect(suite.filter(({ name }) => !known.has(name))).toEqual([])
})

it("a duel is won by who is not worse in anything and lost by who is worse in both", () => {
  const { scores } = work(job("S16", ["greedy"]))
  const score = scores["greedy"]
  if (score === undefined) throw new Error("there is no score")
  const against = (drain: number | undefined, rejected: number) => {
    const other = { ...score, drain, rejected }
    const finished = { scores: { one: { ...score, drain: 1.1, rejected: 0.1 }, other } }
    return duel([finished as unknown as Finished], "one", "other")
  }
  expect(against(1.2, 0.2)).toEqual({ dominates: 1, dominated: 0 })
  expect(against(1.103, 0.1005)).toEqual({ dominates: 1, dominated: 0 })
  expect(against(1.2, 0.05)).toEqual({ dominates: 0, dominated: 0 })
  expect(against(1.0965, 0.05)).toEqual({ dominates: 0, dominated: 0 })
  expect(against(1.05, 0.05)).toEqual({ dominates: 0, dominated: 1 })
  expect(against(undefined, 0.1)).toEqual({ dominates: 1, dominated: 0 })
  expect(geometricMean([{ ...score, drain: undefined }])).toBeCloseTo(60)
})

it("a mark needs a value within its bounds", () => {
  const mark = { where: "S1", contender: "pace", what: "drain" }
  expect(isReached({ ...mark, value: 1.15, bound: { most: 1.15 } })).toBe(true)
  expect(isReached({ ...mark, value: 1.16, bound: { most: 1.15 } })).toBe(false)
  expect(isReached({ ...mark, value: 7, bound: { least: 8 } })).toBe(false)
  expect(isReached({ ...mark, value: undefined, bound: { most: 1 } })).toBe(false)
  expect(scenarioMarks([])).toEqual([])
})

it("quantiles take a value that is there", () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2)
  expect(quantile([3, 1, 2], 0.99)).toBe(3)
})

it("a table has the form prettier gives it", () => {
  expect(table(["", "b"], [["long", "1"]])).toBe("|      | b   |\n| ---- | --- |\n| long | 1   |")
})

it("threads give what one thread gives, in the order of the jobs", async () => {
  const jobs = [job("S16", ["aimd"]), job("F5", ["reno"]), job("S18", ["aimd"])]
  expect(await workAll(jobs)).toEqual(jobs.map(work))
})

const written = () => {
  const suite = [work(everybody("S1")), work(everybody("S16"))]
  const fuzz = [work({ ...everybody("F4"), pictures: [] })]
  return { report: markdown({ suite, fuzz }), html: page(suite) }
}

it("the report and the page hold every contender, and the same every time", () => {
  const { report, html } = written()
  expect(written()).toEqual({ report, html })
  for (const { title } of contenders) {
    expect(report).toContain(`| ${title} `)
    expect(html).toContain(`"${title}"`)
  }
  expect(report).not.toContain("NaN")
  expect(html).not.toContain("https://")
  expect(html.length / 2).toBeLessThan(2_000_000 / suite.length)
})
