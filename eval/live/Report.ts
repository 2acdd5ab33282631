import { cpus, loadavg } from "node:os"
import { type Contender, contenderName, title } from "./Contest.ts"
import type { Measured } from "./Measured.ts"

const figures = (value: number, digits: number): string => value.toFixed(digits)

/** Calls that a run owes: lost ones, and, unless it was cut off, those that are still in the queue. */
const owed = ({ contest, left, lost }: Measured): number =>
  lost + (contest.stopAfter === undefined ? left : 0)

const cutOff = ({ contest, finished }: Measured): boolean =>
  contest.stopAfter !== undefined && finished < contest.scenario.calls

const drainText = (each: Measured): string =>
  cutOff(each) ? `${each.finished} calls in ${each.contest.stopAfter}` : figures(each.drain, 1)

export const line = (each: Measured): string =>
  `${title(each.contest)}: drained in ${drainText(each)} s, ` +
  `${cutOff(each) ? "cut off" : `${figures(each.drain / each.ideal, 2)} × the ideal`}, ` +
  `${figures(each.rejectedPerCall, 2)} rejections a call, ${owed(each)} lost`

/** One line for each run. */
export const table = (all: ReadonlyArray<Measured>): string =>
  [
    "| calls | speed | contender | workers | posted in, s | drain, s | ideal, s | drain / ideal | drain / best | rejections a call | lost | most on a replica | most in flight | peak replicas |",
    "| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...all.map(row)
  ].join("\n")

const row = (each: Measured): string => {
  const { contender, scenario, workers } = each.contest
  const measured = cutOff(each)
    ? ["", "", ""]
    : [figures(each.ideal, 1), figures(each.drain / each.ideal, 2), figures(each.drain / each.best, 2)]
  const cells = [
    `${scenario.calls}${scenario.failingEach > 0 ? " ¹" : ""}`,
    `${scenario.factor}×`,
    `${contenderName(contender)}${scenario.retry.most > scenario.retry.first ? " ²" : ""}`,
    workers,
    figures(each.posted, 1),
    drainText(each),
    ...measured,
    figures(each.rejectedPerCall, 3),
    owed(each),
    each.mostOnReplica,
    each.mostInFlight,
    each.mostReplicas
  ]
  return `| ${cells.join(" | ")} |`
}

type Value = (each: Measured) => number

const sum = (of: ReadonlyArray<Measured>, value: Value) => of.reduce((total, each) => total + value(each), 0)
const worst = (of: ReadonlyArray<Measured>, value: Value) => Math.max(0, ...of.map(value))
const ratio: Value = ({ drain, ideal }) => drain / ideal
const share: Value = ({ rejectedPerCall }) => rejectedPerCall

/** What the runs have to reach, and whether they do. */
export const marks = (all: ReadonlyArray<Measured>): string => {
  const adaptive = all.filter(({ contest }) => contest.contender !== "greedy")
  const by = (contender: Contender) => all.filter(({ contest }) => contest.contender === contender)
  const failing = adaptive.filter(({ recovery }) => recovery.failures > 0)
  const drains = adaptive.filter(({ recovery }) => recovery.failures === 0)
  const hinted = by("hinted")
  const lost = sum(all, owed)
  const lowered = sum(
    failing,
    ({ recovery: { failures, recovered, unclear } }) => failures - recovered - unclear
  )
  const reached = (of: ReadonlyArray<Measured>, value: Value, bound: number) =>
    `${of.filter((each) => value(each) <= bound).length} of ${of.length}, worst ${figures(worst(of, value), 3)}`
  return [
    mark(
      worst(drains, ratio) <= 1.2,
      `adaptive drains in at most 1.2 × the ideal: ${reached(drains, ratio, 1.2)}`
    ),
    mark(
      worst(hinted, share) <= 0.05,
      `at most 0.05 rejections a call with hints: ${reached(hinted, share, 0.05)}`
    ),
    mark(lost === 0, `no call lost: ${lost} of ${sum(all, ({ contest }) => contest.scenario.calls)}`),
    mark(
      lowered === 0,
      `a 500 never lowers the limit: ${sum(failing, ({ recovery }) => recovery.failures)} of them, in flight ` +
        `as before after ${sum(failing, ({ recovery }) => recovery.recovered)}, ` +
        `${worst(failing, ({ recovery }) => recovery.slowest)} ms at most; ` +
        `${sum(failing, ({ recovery }) => recovery.unclear)} unclear, because a rejection or the queue's end came between`
    )
  ].join("\n")
}

const mark = (met: boolean, sentence: string): string => `- ${met ? "reached" : "**missed**"}: ${sentence}`

/** The report that is kept. */
export const markdown = (all: ReadonlyArray<Measured>): string => `# Greedy against adaptive, on real parts

Made by \`npm run eval:live\`; these are measurements, so the figures differ a little each time. Real \`nats-server\`, \`sluice gateway\`, \`sluice worker\`s (default settings, \`max_inflight\` 100), and one process that plays OpenFaaS: replicas of 5 slots that answer 429 with \`X-OpenFaaS-Internal: faas-middleware\`, a balancer that picks the replica with the fewest calls, and an autoscaler in capacity mode, 1 to 10 replicas, target 5 × 0.9. ${cpus().length} cores (load ${figures(loadavg()[0] ?? 0, 1)} at the end), several runs at a time.

The scenario is the one OpenFaaS published: calls of 2 s, posted by 4 clients. There greedy took 5m0s for 1,500 calls with about 16 rejections a call, and OpenFaaS's adaptive mode 2m45s with about 0.6. Not published, and assumed here: the autoscaler looks every 5 s at the most calls in flight in 45 s, a replica starts in 3 s, and greedy retries every 10 s (which is what its published figures come to: 30 rounds of 50 calls).

![queue depth, calls in flight and rejections over time](picture.svg)

${table(all)}

Runs that were cut off did not lose their other calls: those were in the queue.

- *calls*: ¹ one call in twenty is answered 500 at first, and retried after the wait of the retry policy.
- *contender*: *greedy* is \`limiter_enabled=false\`, where a rejected call waits for its retry; ² with the waits of OpenFaaS's chart, 10 s doubling up to 120 s. *blind*: the limiter learns from answers alone (\`function_url\`). *hinted*: it may ask OpenFaaS's gateway for the replicas too (\`gateway_url\`).
- *ideal*: the last end of the best schedule over the replicas as they were in that run, from the moment each was ready. *best*: the end when a sender who sees free slots drives the autoscaler, all calls there from the start. A run that is slow to grow has few replicas and a kind ideal, but no kind best.
- *speed*: 1× is uncompressed. At 5× all times of the scenario are a fifth: work, poll, window, cold start, retry waits. The limiter's own constants are seconds and cannot be compressed (probes 1.5 to 8 s apart, hints and discovery once a second): a new replica every second comes faster than probes may, so compressed runs say little about drain and all the rest is uncompressed.
- *lost*: accepted calls that got no 2xx and are not in the queue; when the run was not cut off, also calls that stayed in the queue.

Marks:

${marks(all)}
`
