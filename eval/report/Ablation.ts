import { ablations, contenders } from "../Contenders.ts"
import type { Evaluation } from "../league/Evaluation.ts"
import { cost, drainOf, geometricMean, meanRejected, scoresOf } from "../league/Summary.ts"
import { quantile } from "../simulation/Quantile.ts"
import { cellOf, scoreIn } from "./Cells.ts"
import { percent, table } from "./Table.ts"

/** Scenarios that single rules are for. */
const shown = ["S1", "S3", "S10", "S16", "S17", "S20", "S25"]

/** What each separable rule brings: everything, everything but one, and nothing of it. */
export const ablationTable = ({ suite, fuzz }: Evaluation): string => {
  const rows = [...contenders.filter(({ name }) => name.startsWith("pace")), ...ablations]
  return table(
    [
      "",
      "suite drain",
      "suite rejected",
      "suite cost",
      "fuzz cost",
      "fuzz p50",
      "fuzz p99",
      "fuzz rejected",
      ...shown.map((scenario) => `${scenario} drain, rejected`)
    ],
    rows.map(({ name, title }) => {
      const [inSuite, inFuzz] = [scoresOf(suite, name), scoresOf(fuzz, name)]
      const drains = inFuzz.map(drainOf)
      const overall = [
        title,
        geometricMean(inSuite).toFixed(3),
        percent(meanRejected(inSuite)),
        cost(inSuite).toFixed(3),
        cost(inFuzz).toFixed(3),
        quantile(drains, 0.5).toFixed(2),
        quantile(drains, 0.99).toFixed(2),
        percent(meanRejected(inFuzz))
      ]
      return overall.concat(shown.map((scenario) => cellOf(scoreIn(suite, scenario, name))))
    })
  )
}
