import type { Finished } from "../league/Job.ts"
import type { Score } from "../league/Score.ts"
import { percent, times } from "./Table.ts"

export const scoreIn = (
  finished: ReadonlyArray<Finished>,
  scenario: string,
  contender: string
): Score | undefined => finished.find((one) => one.scenario === scenario)?.scores[contender]

/** Drain, rejected share, and what else is worth saying. */
export const cellOf = (score: Score | undefined): string => {
  if (score === undefined) return ""
  const { drain, rejected, jain, timeouts } = score
  return [
    `${times(drain)} / ${percent(rejected)}`,
    ...(jain === undefined ? [] : [`J ${jain.toFixed(2)}`]),
    ...(timeouts === 0 ? [] : [`t ${timeouts.toFixed(0)}`])
  ].join(", ")
}
