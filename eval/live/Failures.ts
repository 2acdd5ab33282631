import type { Journal } from "./Journal.ts"

/** What the worker did after failures of the function. */
export interface Recovery {
  readonly failures: number
  /** Those after which a rejection or the end of the queue could have changed anything. */
  readonly unclear: number
  /** Those after which as many calls were in flight as before within `SOON`. */
  readonly recovered: number
  /** Milliseconds until then, the longest. */
  readonly slowest: number
}

/** Milliseconds. A limit that was lowered comes back with a probe, and none comes before 1.27 s have passed. */
const SOON = 1_200

/** Milliseconds. Calls that left together end together: for a moment fewer are in flight than the limit allows. */
const RECENT = 100

const mostRunning = ({ running }: Journal, from: number, to: number): number => {
  const first = running.findLast(([time]) => time <= from)?.[1] ?? 0
  return running.reduce(
    (most, [time, calls]) => (time > from && time < to ? Math.max(most, calls) : most),
    first
  )
}

/** Looks at the calls in flight after each 500: they are as many as before, unless the limit was lowered. */
export const recovery = (journal: Journal, calls: number): Recovery => {
  const failures = journal.answered.filter(({ status }) => status === 500)
  const answersBefore = (at: number) => journal.answered.filter((answer) => answer.at <= at).length
  const times: Array<number> = []
  let unclear = 0
  for (const { at } of failures) {
    const before = mostRunning(journal, at - RECENT, at)
    const back = journal.running.find(([time, running]) => time >= at && running >= before)
    const until = Math.min(back?.[0] ?? Number.POSITIVE_INFINITY, at + SOON)
    const rejected = journal.rejected.some((time) => time >= at && time <= until)
    const waiting = calls - answersBefore(until) > before
    if (back !== undefined && back[0] <= at + SOON) times.push(back[0] - at)
    else if (rejected || !waiting) unclear++
  }
  return { failures: failures.length, unclear, recovered: times.length, slowest: Math.max(0, ...times) }
}
