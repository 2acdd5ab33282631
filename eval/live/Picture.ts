import * as Bins from "./Bins.ts"
import { type Contender, contenderName } from "./Contest.ts"
import type { Measured, Seen } from "./Measured.ts"
import * as SideBySide from "./SideBySide.ts"

interface Run {
  readonly seen: Seen
  readonly measured: Measured
}

// Okabe and Ito's colours: told apart with any kind of colour vision.
const green = "#009e73"
const blue = "#0072b2"
const vermilion = "#d55e00"
const grey = "#cfcfcf"

const rows: ReadonlyArray<SideBySide.Row> = [
  { title: "Calls in the queue", series: [{ name: "calls in the queue", colour: green, shape: "line" }] },
  {
    title: "Calls in flight",
    series: [
      { name: "places in the replicas", colour: grey, shape: "area" },
      { name: "calls in flight", colour: blue, shape: "line" }
    ]
  },
  {
    title: "Rejected attempts a second (429)",
    series: [{ name: "rejected attempts a second", colour: vermilion, shape: "area" }]
  }
]

/** Greedy against adaptive over time, one worker each, in the largest scenario that both ran. */
export const picture = (runs: ReadonlyArray<Run>): string => {
  const greedy = largest(runs, "greedy")
  const adaptive = runs.find(
    ({ measured: { contest } }) =>
      contest.contender === "hinted" && contest.workers === 1 && same(contest, greedy?.measured.contest)
  )
  const columns = [greedy, adaptive].filter((run) => run !== undefined)
  const end = Math.max(...columns.map(({ measured }) => endOf(measured)))
  const scenario = greedy?.measured.contest.scenario
  const speed = scenario?.factor === 1 ? "" : `, all times ${scenario?.factor} times shorter`
  return SideBySide.svg({
    title: `${scenario?.calls} calls, one worker, 1 to 10 replicas of 5 places`,
    subtitle: `OpenFaaS's published scenario${speed}: calls of ${scenario?.work} s, autoscaler in capacity mode; real nats-server, gateway and worker`,
    rows,
    columns: columns.map((run) => column(run, end)),
    timeTitle: "seconds since the first call was posted"
  })
}

const largest = (runs: ReadonlyArray<Run>, contender: Contender): Run | undefined =>
  runs
    .filter(({ measured: { contest } }) => contest.contender === contender && contest.workers === 1)
    .toSorted((a, b) => b.measured.contest.scenario.calls - a.measured.contest.scenario.calls)[0]

const same = (a: Measured["contest"], b: Measured["contest"] | undefined): boolean =>
  JSON.stringify(a.scenario) === JSON.stringify(b?.scenario)

const BINS = 140

const endOf = ({ contest: { scenario, stopAfter }, drain, finished }: Measured): number =>
  finished === scenario.calls ? drain : (stopAfter ?? drain)

const column = ({ measured, seen }: Run, end: number): SideBySide.Column => {
  const width = end / BINS
  const finished = measured.finished === measured.contest.scenario.calls
  const ownEnd = endOf(measured)
  const own = Math.ceil(ownEnd / width)
  const seconds = (at: number) => (at - seen.postedAt) / 1000
  const timed = (steps: Bins.Steps): Bins.Steps => steps.map(([at, value]) => [seconds(at), value])
  const middles = (values: ReadonlyArray<number>) =>
    values.map((value, bin) => [Math.min(ownEnd, (bin + 0.5) * width), value] as const)
  const rejected = Bins.counts(seen.journal.rejected.map(seconds), width, own).map((count) => count / width)
  const depth = timed(seen.depth).filter(([at]) => at >= 0 && at <= ownEnd)

  return {
    title: contenderTitle[measured.contest.contender],
    subtitle: `${perCall(measured)}, up to ${measured.mostReplicas} replicas, up to ${measured.mostInFlight} calls in flight`,
    end: ownEnd,
    endText: finished ? `done after ${measured.drain.toFixed(0)} s` : `cut off, ${measured.left} calls left`,
    points: [
      [[[0, 0], ...depth, ...(finished ? [[ownEnd, 0] as const] : [])]],
      [capacity(measured, seen), middles(Bins.means(timed(seen.journal.running), width, own))],
      [rejected.flatMap((value, bin) => bar(value, bin * width, Math.min((bin + 1) * width, ownEnd)))]
    ]
  }
}

const contenderTitle: Readonly<Record<Contender, string>> = {
  greedy: "Greedy: rejected calls wait for a retry",
  blind: `${contenderName("blind")}: the limit is learnt`,
  hinted: "Adaptive: the limit is learnt, replicas are a hint"
}

const perCall = ({ rejectedPerCall }: Measured): string => `${rejectedPerCall.toFixed(2)} rejections a call`

const bar = (value: number, from: number, to: number) =>
  [
    [from, value],
    [to, value]
  ] as const

/** The places of the replicas that were ready, as a staircase. */
const capacity = (measured: Measured, { journal, postedAt }: Seen): Bins.Steps => {
  const { slots } = measured.contest.scenario
  const end = endOf(measured)
  const changes = journal.replicas
    .flatMap(({ goneAt, readyAt }) => [[readyAt, 1] as const, [goneAt, -1] as const])
    .map(([at, by]) => [Math.max(0, (at - postedAt) / 1000), by] as const)
    .filter(([at]) => at < end)
    .sort(([a], [b]) => a - b)
  let places = 0
  const stairs = changes.flatMap(([at, by]) => {
    const before = places
    places += by * slots
    return [[at, before] as const, [at, places] as const]
  })
  return [...stairs, [end, places]]
}
