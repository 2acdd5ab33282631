import { chartWaits, published, type Scenario } from "./Scenario.ts"

/** Greedy: without the limiter, retried with back-off. Blind: adaptive, from answers alone. Hinted: it asks for replicas. */
export type Contender = "greedy" | "blind" | "hinted"

/** One run: a scenario, and who works on it. */
export interface Contest {
  readonly scenario: Scenario
  readonly contender: Contender
  readonly workers: number
  /** Seconds after which it is cut off, unfinished. */
  readonly stopAfter?: number
}

export const title = ({ contender, scenario, workers }: Contest): string =>
  [
    `${scenario.calls} calls${scenario.failingEach > 0 ? " with failures" : ""}`,
    `${scenario.factor === 1 ? "as published" : `${scenario.factor} times faster`}`,
    `${contenderName(contender)}${scenario.retry.most > scenario.retry.first ? " with the chart's waits" : ""}`,
    workers === 1 ? "1 worker" : `${workers} workers`
  ].join(", ")

export const contenderName = (contender: Contender): string =>
  contender === "greedy" ? "greedy" : `adaptive, ${contender}`

const FACTOR = 5
const FAILING_EACH = 20

const contest = (contender: Contender, workers: number, scenario: Scenario): Contest => ({
  scenario,
  contender,
  workers
})

const adaptive = (workers: number, scenario: Scenario): ReadonlyArray<Contest> =>
  (["blind", "hinted"] as const).map((contender) => contest(contender, workers, scenario))

const failing = (calls: number, factor: number): Contest =>
  contest("blind", 1, published(calls, factor, { failingEach: FAILING_EACH }))

const cutOff = (stopAfter: number, each: Contest): Contest => ({ ...each, stopAfter })

/** OpenFaaS's greedy run took five minutes; so does ours at most. */
const GREEDY_SECONDS = 300
const CHART_SECONDS = GREEDY_SECONDS / FACTOR

/** Everything, the longest first, because several run at a time. */
export const full: ReadonlyArray<Contest> = [
  cutOff(GREEDY_SECONDS, contest("greedy", 1, published(1500, 1))),
  ...adaptive(1, published(1500, 1)),
  ...adaptive(3, published(1500, 1)),
  contest("greedy", 1, published(500, 1)),
  contest("greedy", 3, published(500, 1)),
  ...adaptive(1, published(500, 1)),
  ...adaptive(3, published(500, 1)),
  failing(500, 1),
  cutOff(CHART_SECONDS, contest("greedy", 1, published(500, FACTOR, { waits: chartWaits }))),
  ...adaptive(1, published(1500, FACTOR))
]

/** A small run of everything that can go wrong. */
export const quick: ReadonlyArray<Contest> = [
  contest("hinted", 2, published(100, FACTOR)),
  failing(100, FACTOR)
]
