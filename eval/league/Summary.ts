import type { Finished } from "./Job.ts"
import type { Score } from "./Score.ts"

/** What a run that never finished counts in a mean: so many times the oracle. */
const neverFinished = 60

/** A little is a draw: half a percent of the time, a thousandth of the attempts. */
const drawDrain = 1.005
const drawRejected = 0.001

export const drainOf = ({ drain }: Score): number => drain ?? neverFinished

export const scoresOf = (finished: ReadonlyArray<Finished>, contender: string): ReadonlyArray<Score> =>
  finished.flatMap(({ scores }) => scores[contender] ?? [])

const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

export const geometricMean = (scores: ReadonlyArray<Score>): number =>
  Math.exp(mean(scores.map((score) => Math.log(drainOf(score)))))

export const meanRejected = (scores: ReadonlyArray<Score>): number =>
  mean(scores.map(({ rejected }) => rejected))

/** What one number makes of both: mean logarithm of the drain and half of the rejected share. */
export const cost = (scores: ReadonlyArray<Score>): number =>
  Math.log(geometricMean(scores)) + meanRejected(scores) / 2

export const unfinished = (scores: ReadonlyArray<Score>): number =>
  scores.filter(({ drain }) => drain === undefined).length

/** How often one is not worse in anything, and how often it is worse in both. */
interface Duel {
  readonly dominates: number
  readonly dominated: number
}

export const duel = (finished: ReadonlyArray<Finished>, one: string, other: string): Duel => {
  let dominates = 0
  let dominated = 0
  for (const { scores } of finished) {
    const [mine, theirs] = [scores[one], scores[other]]
    if (mine === undefined || theirs === undefined) continue
    const isSlower = drainOf(mine) > drainOf(theirs) * drawDrain
    const isRejectedMore = mine.rejected > theirs.rejected + drawRejected
    if (!isSlower && !isRejectedMore) dominates++
    if (isSlower && isRejectedMore) dominated++
  }
  return { dominates, dominated }
}
