import type { Finished } from "../league/Job.ts"
import { type Mark, isReached, scenarioMarks } from "../league/Marks.ts"
import { cost, drainOf, geometricMean, meanRejected, scoresOf, unfinished } from "../league/Summary.ts"
import { quantile } from "../simulation/Quantile.ts"
import { cellOf } from "./Cells.ts"
import { percent, short, table, times } from "./Table.ts"

const bounds = ({ bound: { most, least } }: Mark): string =>
  most === undefined ? `at least ${least}` : `at most ${most}`

export const printMarks = (marks: ReadonlyArray<Mark>): void => {
  for (const mark of marks) {
    const { where, contender, what, value } = mark
    const verdict = isReached(mark) ? "reached" : "MISSED "
    console.log(
      `${verdict} ${where.padEnd(5)} ${contender.padEnd(11)} ${what}: ${short(value)} (${bounds(mark)})`
    )
  }
}

/** Drain time in times of the oracle and share of rejected attempts; then the marks that are missed. */
export const printTable = (finished: ReadonlyArray<Finished>, contenders: ReadonlyArray<string>): void => {
  const summary = contenders.map((name) => {
    const scores = scoresOf(finished, name)
    return `${times(geometricMean(scores))} / ${percent(meanRejected(scores))}`
  })
  const rows = finished.map(({ scenario, scores }) => [
    scenario,
    ...contenders.map((name) => cellOf(scores[name]))
  ])
  console.log(table(["", ...contenders], [...rows, ["mean", ...summary]]))
  printMarks(scenarioMarks(finished).filter((mark) => !isReached(mark)))
}

export const printFuzz = (finished: ReadonlyArray<Finished>, contenders: ReadonlyArray<string>): void => {
  const rows = contenders.map((name) => {
    const scores = scoresOf(finished, name)
    const drains = [0.5, 0.9, 0.99].map((share) => quantile(scores.map(drainOf), share).toFixed(2))
    const rejected = [0.5, 0.9].map((share) =>
      percent(
        quantile(
          scores.map((score) => score.rejected),
          share
        )
      )
    )
    return [name, ...drains, ...rejected, String(unfinished(scores)), cost(scores).toFixed(4)]
  })
  console.log(table(["", "p50", "p90", "p99", "rejected p50", "p90", "DNF", "cost"], rows))
  const [first] = contenders
  const worst = finished.toSorted((one, other) => drain(other, first) - drain(one, first)).slice(0, 5)
  for (const one of worst) console.log(`${one.scenario} ${one.title}: ${drain(one, first).toFixed(2)}`)
}

const drain = ({ scores }: Finished, name = ""): number =>
  scores[name] === undefined ? 0 : drainOf(scores[name])
