import { percentile } from "../src/demo/Percentile.ts"
import type { Latencies, Latency } from "./Latency.ts"
import { median } from "./Median.ts"
import type * as Throughput from "./Throughput.ts"

type Round = Throughput.Round<"raw" | "worker">

/** One figure over all rounds: medians, and the worker's as a multiple of the raw loop's in the same round. */
export interface Comparison {
  readonly raw: number
  readonly worker: number
  readonly ratio: number
  readonly ratios: ReadonlyArray<number>
}

export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

export interface Summary {
  readonly callsPerSecond: Comparison
  readonly cpuMicrosPerCall: Comparison
  /** milliseconds */
  readonly latency: Readonly<Record<keyof Latencies, Readonly<Record<keyof Latency, Percentiles>>>>
  /** from the start of a worker to its first pull, milliseconds */
  readonly start: Percentiles
}

export interface Mark {
  readonly name: string
  readonly value: number
  readonly bound: string
  readonly met: boolean
}

export const summarize = (
  rounds: ReadonlyArray<Round>,
  { notSpawned, idle }: Latencies,
  starts: ReadonlyArray<number>
): Summary => ({
  callsPerSecond: compare(rounds, (measured) => measured.callsPerSecond),
  cpuMicrosPerCall: compare(rounds, (measured) => measured.cpuMicrosPerCall),
  latency: { notSpawned: percentilesOf(notSpawned), idle: percentilesOf(idle) },
  start: percentiles(starts)
})

/** What the project promises of itself. */
export const marks = ({ callsPerSecond, cpuMicrosPerCall, latency, start }: Summary): ReadonlyArray<Mark> => [
  atMost("CPU a call, worker / raw", cpuMicrosPerCall.ratio, 1.6),
  atLeast("calls/s, worker / raw", callsPerSecond.ratio, 0.6),
  atMost("p50 from 202 to the function, actor not spawned, ms", latency.notSpawned.fromAccept.p50, 10),
  atMost("p50 from 202 to the function, actor idle, ms", latency.idle.fromAccept.p50, 10),
  atMost("p50 from a worker's start to its first pull, ms", start.p50, 1_500)
]

const compare = (
  rounds: ReadonlyArray<Round>,
  figure: (measured: Throughput.Measured) => number
): Comparison => {
  const ratios = rounds.map(({ raw, worker }) => figure(worker) / figure(raw))
  return {
    raw: median(rounds.map(({ raw }) => figure(raw))),
    worker: median(rounds.map(({ worker }) => figure(worker))),
    ratio: median(ratios),
    ratios
  }
}

const percentilesOf = (latencies: ReadonlyArray<Latency>) => ({
  fromAccept: percentiles(latencies.map(({ fromAccept }) => fromAccept)),
  fromPost: percentiles(latencies.map(({ fromPost }) => fromPost))
})

const percentiles = (values: ReadonlyArray<number>): Percentiles => ({
  p50: percentile(values, 0.5) ?? Number.NaN,
  p99: percentile(values, 0.99) ?? Number.NaN
})

const atMost = (name: string, value: number, bound: number): Mark => ({
  name,
  value,
  bound: `at most ${bound}`,
  met: value <= bound
})

const atLeast = (name: string, value: number, bound: number): Mark => ({
  name,
  value,
  bound: `at least ${bound}`,
  met: value >= bound
})
