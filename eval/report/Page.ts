import { readFileSync } from "node:fs"
import { contenders } from "../Contenders.ts"
import type { Finished } from "../league/Job.ts"
import { percent, times } from "./Table.ts"

/** Digits nobody could see cost most of the page. */
const rounded = (values: ReadonlyArray<number>): ReadonlyArray<number> =>
  values.map((value) => (value < 20 ? Math.round(value * 10) / 10 : Math.round(value)))

const scenarioData = ({ scenario, title, scores, pictures }: Finished) => ({
  name: scenario,
  title,
  oracle: Math.round(scores["pace"]?.oracle ?? 0),
  runs: contenders.flatMap((contender) => {
    const [score, picture] = [scores[contender.name], pictures[contender.name]]
    if (score === undefined || picture === undefined) return []
    return {
      title: contender.title,
      result: `${times(score.drain)}${score.drain === undefined ? "" : " ×"} / ${percent(score.rejected)}`,
      slice: Math.round(picture.slice * 1000) / 1000,
      makespan: picture.makespan === undefined ? undefined : Math.round(picture.makespan * 10) / 10,
      limit: rounded(picture.limit),
      running: rounded(picture.running),
      capacity: rounded(picture.capacity),
      rejected: picture.rejected
    }
  })
})

/** One self-contained page with a chart for every scenario and contender. */
export const page = (suite: ReadonlyArray<Finished>): string => {
  const template = readFileSync(new URL("./page.html", import.meta.url), "utf8")
  const data = JSON.stringify({ scenarios: suite.map(scenarioData) })
  return template.replace("__DATA__", () => data.replaceAll("<", "\\u003c"))
}
