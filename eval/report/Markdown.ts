import { contenders } from "../Contenders.ts"
import { type Evaluation, fuzzCases, seeds } from "../league/Evaluation.ts"
import type { Finished } from "../league/Job.ts"
import { type Mark, fuzzMarks, isReached, scenarioMarks, suiteMarks } from "../league/Marks.ts"
import { drainOf, duel, geometricMean, meanRejected, scoresOf, unfinished } from "../league/Summary.ts"
import { quantile } from "../simulation/Quantile.ts"
import { ablationTable } from "./Ablation.ts"
import { cellOf, scoreIn } from "./Cells.ts"
import { percent, secondsOf, short, table, times } from "./Table.ts"

const suiteTable = (suite: ReadonlyArray<Finished>): string =>
  table(
    ["scenario", "oracle s", ...contenders.map(({ title }) => title)],
    [
      ...suite.map(({ scenario, title, scores }) => [
        `${scenario} ${title}`,
        (scores["pace"]?.oracle ?? 0).toFixed(0),
        ...contenders.map(({ name }) => cellOf(scores[name]))
      ]),
      [
        "**geometric mean / mean**",
        "",
        ...contenders.map(({ name }) => {
          const scores = scoresOf(suite, name)
          return `**${times(geometricMean(scores))} / ${percent(meanRejected(scores))}**`
        })
      ]
    ]
  )

const bounds = ({ bound: { most, least } }: Mark): string =>
  [...(most === undefined ? [] : [`≤ ${most}`]), ...(least === undefined ? [] : [`≥ ${least}`])].join(", ")

const marksTable = (marks: ReadonlyArray<Mark>): string =>
  table(
    ["", "contender", "what", "mark", "reached", ""],
    marks.map((mark) => [
      mark.where,
      mark.contender,
      mark.what,
      bounds(mark),
      short(mark.value),
      isReached(mark) ? "yes" : "**no**"
    ])
  )

const transients = (suite: ReadonlyArray<Finished>): string => {
  const of = (scenario: string, name: string) => scoreIn(suite, scenario, name)
  return table(
    [
      "",
      "start to 90 % of 5 slots",
      "5 to 50, 90 %",
      "429s in 10 s after 50 to 5",
      "5 to 25, 90 %",
      "S14 p95 latency",
      "S9 longest gap of a worker",
      "S18 longest detour of a call",
      "S11 95 % done, × oracle",
      "S23 95 % done, × oracle"
    ],
    contenders.map(({ name, title }) => [
      title,
      secondsOf(of("S5", name)?.firstRise),
      secondsOf(of("S5", name)?.lastRise),
      (of("S6", name)?.firstFall ?? 0).toFixed(0),
      secondsOf(of("S6", name)?.lastRise),
      secondsOf(of("S14", name)?.p95Latency),
      secondsOf(of("S9", name)?.longestGap),
      secondsOf(of("S18", name)?.longestDetour),
      times(of("S11", name)?.t95),
      times(of("S23", name)?.t95)
    ])
  )
}

const fuzzTable = (fuzz: ReadonlyArray<Finished>): string =>
  table(
    [
      "",
      "drain p50",
      "p90",
      "p99",
      "rejected p50",
      "p90",
      "429s a second and worker p50",
      "never finished",
      "PACE dominates / is dominated"
    ],
    contenders.map(({ name, title }) => {
      const scores = scoresOf(fuzz, name)
      const drains = scores.map(drainOf)
      const rejected = scores.map((score) => score.rejected)
      const { dominates, dominated } = duel(fuzz, "pace", name)
      return [
        title,
        quantile(drains, 0.5).toFixed(2),
        quantile(drains, 0.9).toFixed(2),
        quantile(drains, 0.99).toFixed(2),
        percent(quantile(rejected, 0.5)),
        percent(quantile(rejected, 0.9)),
        quantile(
          scores.map((score) => score.rejectedRate),
          0.5
        ).toFixed(2),
        String(unfinished(scores)),
        name.startsWith("pace") ? "" : `${dominates} / ${dominated}`
      ]
    })
  )

/** The whole report; nothing in it depends on when or where it was made. */
export const markdown = (evaluation: Evaluation): string => {
  const { suite, fuzz } = evaluation
  const marks = [...scenarioMarks(suite), ...suiteMarks(suite), ...fuzzMarks(fuzz)]
  const missed = marks.filter((mark) => !isReached(mark))
  return `# Limiters compared

Made by \`npm run eval\`; do not edit. Simulated time, the production reducer itself, peers from their published
formulas (\`eval/peers\`). Means of ${seeds.length} seeds. Drain: how long until all calls were done, in times of an
oracle that sees every free slot. Rejected: 429s as a share of all attempts. J: Jain's index of completions by worker.
t: calls that timed out. DNF: not drained in 3000 s, counted as 60 times the oracle. Pictures: \`report.html\`.

## Marks

${marks.length - missed.length} of ${marks.length} reached.

${marksTable(marks)}

## Suite

${suiteTable(suite)}

## Transients

Seconds unless said otherwise. S5 and S6 have calls of half a second, which flatters whoever grows on successes.
A detour is the time from a call's first attempt to its end, beyond its work.

${transients(suite)}

## ${fuzzCases} random scenarios

A contender dominates another when it is not worse in drain (0.5 %) and rejected share (0.1 points); it is dominated
when it is worse in both.

${fuzzTable(fuzz)}

## What each rule brings

Cost: mean logarithm of the drain plus half of the mean rejected share; lower is better.

${ablationTable(evaluation)}
`
}
