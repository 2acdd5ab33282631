import { frontier, peers } from "../Contenders.ts"
import {
  type Bound,
  type Target,
  least,
  most,
  claims,
  frontierSlack,
  fuzzTargets,
  randomPlacement,
  stretch,
  suiteTargets,
  targets
} from "../Targets.ts"
import { quantile } from "../simulation/Quantile.ts"
import type { Finished } from "./Job.ts"
import type { Score } from "./Score.ts"
import { drainOf, duel, geometricMean, meanRejected, scoresOf, unfinished } from "./Summary.ts"

/** Something to reach, and what was reached. */
export interface Mark {
  readonly where: string
  readonly contender: string
  readonly what: string
  readonly value: number | undefined
  readonly bound: Bound
}

/** A value that is there and within its bounds. */
export const isReached = ({ value, bound }: Mark): boolean =>
  value !== undefined && value <= (bound.most ?? Infinity) && value >= (bound.least ?? -Infinity)

const names: Readonly<Record<Target["figure"], string>> = {
  drain: "drain, times the oracle",
  rejected: "rejected share of attempts",
  rejectedRate: "rejections a second and worker",
  timeouts: "timeouts",
  worstBurst: "rejections in the worst second",
  firstRise: "seconds to 90 % of the first capacity",
  lastRise: "seconds to 90 % of the last capacity",
  firstFall: "rejections in the 10 s after the first fall",
  p95Latency: "p95 latency, s",
  jain: "fairness (Jain)",
  longestGap: "longest gap of a worker, s",
  longestDetour: "longest detour of a call, s",
  mostReplicas: "replicas reached",
  loweredByFailure: "limits lowered by a 5xx",
  early: "attempts before Retry-After",
  limitAbovePeak: "limit above the peak in flight",
  overshoot: "attempts above capacity, share"
}

/** The targets of those scenarios that were run. */
export const scenarioMarks = (finished: ReadonlyArray<Finished>): ReadonlyArray<Mark> =>
  targets.flatMap(({ scenario, contender, figure, bound }) => {
    const score = finished.find((one) => one.scenario === scenario)?.scores[contender]
    if (score === undefined) return []
    return [{ where: scenario, contender, what: names[figure], value: score[figure], bound }]
  })

/** How much longer than a fixed limit with as many rejections, by the straight line between two of them. */
const aboveFrontier = ({ scores }: Finished, mine: Score): number | undefined => {
  const known = frontier.flatMap(({ name }) => scores[name] ?? [])
  const next = known.findIndex(({ rejected }) => rejected >= mine.rejected)
  const [low, high] = [known[next - 1], known[next]]
  if (low === undefined || high === undefined) return undefined
  const share = (mine.rejected - low.rejected) / (high.rejected - low.rejected)
  return drainOf(mine) - (drainOf(low) + share * (drainOf(high) - drainOf(low)))
}

const marking =
  (where: string, contender = "pace") =>
  (what: string, value: number | undefined, bound: Bound): Mark => ({ where, contender, what, value, bound })

/** Where placement is random, the drain alone says little: what others made of the same lot does. */
const placementMarks = (suite: ReadonlyArray<Finished>): ReadonlyArray<Mark> =>
  suite.flatMap((finished): ReadonlyArray<Mark> => {
    const mine = finished.scores["pace"]
    const mark = marking(finished.scenario)
    if (mine === undefined) return []
    if (finished.scenario === "S17") {
      return [mark("drain above the best fixed limit", aboveFrontier(finished, mine), most(frontierSlack))]
    }
    if (finished.scenario !== "S3") return []
    const better = peers
      .flatMap(({ name }) => finished.scores[name] ?? [])
      .filter((peer) => drainOf(peer) < 0.95 * drainOf(mine) && peer.rejected < 0.95 * mine.rejected)
    return [mark("peers better by over 5 % on both", better.length, most(0))]
  })

/** That no peer is as good on both axes. */
const claimMarks = (suite: ReadonlyArray<Finished>): ReadonlyArray<Mark> => {
  const mark = marking("suite")
  const mine = scoresOf(suite, "pace")
  const drain = geometricMean(mine)
  const rejected = meanRejected(mine)
  const theirs = peers.map(({ name }) => scoresOf(suite, name))
  const fewer = theirs.filter((scores) => meanRejected(scores) < rejected)
  const close = theirs.filter((scores) => geometricMean(scores) < drain + claims.closeDrain)
  return [
    mark(
      "drain of the fastest peer, times ours",
      Math.min(...theirs.map(geometricMean)) / drain,
      least(claims.slowest)
    ),
    mark(
      "drain of the fastest peer with fewer rejections, times ours",
      Math.min(...fewer.map(geometricMean)) / drain,
      least(claims.slowerWhenRejectedLess)
    ),
    mark(
      "fewest rejections of a peer about as fast, times ours",
      Math.min(...close.map(meanRejected)) / rejected,
      least(claims.rejectedMoreWhenClose)
    )
  ]
}

const stretchMarks = (suite: ReadonlyArray<Finished>): ReadonlyArray<Mark> => {
  const mark = marking("stretch", "pace+hint")
  const scores = scoresOf(
    suite.filter(({ scenario }) => !stretch.without.has(scenario)),
    "pace+hint"
  )
  return [
    mark("drain, geometric mean", geometricMean(scores), most(stretch.drain)),
    mark("rejected share, mean", meanRejected(scores), most(stretch.rejected))
  ]
}

/** The marks of the whole suite. */
export const suiteMarks = (suite: ReadonlyArray<Finished>): ReadonlyArray<Mark> => {
  const mark = marking("suite")
  const mine = scoresOf(suite, "pace")
  const pooled = suite.filter(({ scenario }) => !randomPlacement.has(scenario))
  const worst = Math.max(...scoresOf(pooled, "pace").map(drainOf))
  return [
    ...placementMarks(suite),
    mark("drain, geometric mean", geometricMean(mine), most(suiteTargets.drain)),
    mark("rejected share, mean", meanRejected(mine), most(suiteTargets.rejected)),
    mark("worst drain without random placement", worst, most(suiteTargets.worstDrain)),
    ...claimMarks(suite),
    ...stretchMarks(suite)
  ]
}

/** The marks of the random scenarios. */
export const fuzzMarks = (fuzz: ReadonlyArray<Finished>): ReadonlyArray<Mark> => {
  const mark = marking("fuzz")
  const mine = scoresOf(fuzz, "pace")
  const drains = mine.map(drainOf)
  const rejected = mine.map((score) => score.rejected)
  const dominated = Math.max(...peers.map(({ name }) => duel(fuzz, "pace", name).dominated)) / fuzz.length
  return [
    mark("drain, p50", quantile(drains, 0.5), most(fuzzTargets.drainP50)),
    mark("drain, p90", quantile(drains, 0.9), most(fuzzTargets.drainP90)),
    mark("drain, p99", quantile(drains, 0.99), most(fuzzTargets.drainP99)),
    mark("rejected share, p50", quantile(rejected, 0.5), most(fuzzTargets.rejectedP50)),
    mark("never finished", unfinished(mine), most(fuzzTargets.unfinished)),
    mark("cases dominated by one peer, share", dominated, most(fuzzTargets.dominated))
  ]
}
