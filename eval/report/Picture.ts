import type { Change } from "../simulation/Recorder.ts"
import type { Run } from "../simulation/Simulation.ts"

/** A run in equal slices of time: what a chart shows. */
export interface Picture {
  /** Seconds of a slice. */
  readonly slice: number
  /** Means over the slice; the limit is that of all workers together. */
  readonly limit: ReadonlyArray<number>
  readonly running: ReadonlyArray<number>
  readonly capacity: ReadonlyArray<number>
  /** How many in the slice. */
  readonly rejected: ReadonlyArray<number>
  /** Seconds until everything was done; `undefined` when it never was. */
  readonly makespan: number | undefined
}

const slices = 150

/** Limits over it are drawn at it; unlimited ones too. */
const mostShown = 1000

/** The mean of a changing value in each slice; 0 before its first change. */
const means = (changes: ReadonlyArray<Change>, slice: number, count: number): ReadonlyArray<number> => {
  let inForce = -1
  return Array.from({ length: count }, (_, bin) => {
    const end = (bin + 1) * slice
    let area = 0
    for (let time = bin * slice; time < end;) {
      while ((changes[inForce + 1]?.time ?? Number.POSITIVE_INFINITY) <= time) inForce++
      const until = Math.min(changes[inForce + 1]?.time ?? end, end)
      area += Math.min(changes[inForce]?.value ?? 0, mostShown) * (until - time)
      time = until
    }
    return Math.round((10 * area) / slice) / 10
  })
}

/** The limits of all workers, added up. */
const total = (limits: ReadonlyArray<Change & { readonly worker: number }>): ReadonlyArray<Change> => {
  const latest: Array<number> = []
  let sum = 0
  return limits.map(({ time, worker, value }) => {
    sum += value - (latest[worker] ?? 0)
    latest[worker] = value
    return { time, value: sum }
  })
}

/** A picture of the first `end` seconds. */
export const pictureOf = ({ recorder, makespan }: Run, end: number): Picture => {
  const slice = end / slices
  const count = Math.max(1, Math.ceil(Math.min(makespan ?? end, end) / slice))
  const rejected = Array.from({ length: count }, () => 0)
  for (const { kind, time } of recorder.answers) {
    const bin = Math.floor(time / slice)
    if (kind === "rejected" && bin < count) rejected[bin] = (rejected[bin] ?? 0) + 1
  }
  return {
    slice,
    limit: means(total(recorder.limits), slice, count),
    running: means(recorder.running, slice, count),
    capacity: means(recorder.capacity, slice, count),
    rejected,
    makespan
  }
}
