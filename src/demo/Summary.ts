import type { Account, Fate } from "./Accounting.ts"
import type { Callback, Journal } from "./Journal.ts"
import { percentile } from "./Percentile.ts"
import { sampleFunctions } from "./SampleFunctions.ts"
import { table } from "./Table.ts"

/** The numbers of one function, or of all. */
export interface Row {
  readonly name: string
  readonly accepted: number
  readonly succeeded: number
  /** Calls that were tried more than once. */
  readonly retried: number
  readonly deadLettered: number
  readonly callbacks: number
  readonly attempts: number
  /** From accept to callback, milliseconds; undefined without a callback. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** Callbacks a second, from the first accept to the last callback. */
  readonly perSecond: number
}

/** A row for each function, and one for all of them. */
interface Summary {
  readonly functions: ReadonlyArray<Row>
  readonly all: Row
}

export const make = (journal: Journal, { fates }: Account): Summary => {
  const rowOf = (name: string, fn: string | undefined): Row => {
    const isOf = (thing: { readonly fn: string }) => fn === undefined || thing.fn === fn
    const accepted = journal.accepted.filter(isOf)
    const callbacks = journal.callbacks.filter(isOf)
    const withFate = (fate: Fate) => accepted.filter(({ call }) => fates.get(call) === fate).length
    const latencies = callbacks.map(({ latencyMillis }) => latencyMillis)
    return {
      name,
      accepted: accepted.length,
      succeeded: withFate("succeeded"),
      retried: callbacks.filter(({ retries }) => retries > 0).length,
      deadLettered: withFate("dead-lettered"),
      callbacks: callbacks.length,
      attempts: journal.attempts.filter(isOf).length,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      perSecond: callbacks.length / Math.max(0.001, secondsOf(callbacks))
    }
  }
  return { functions: sampleFunctions.map(({ name }) => rowOf(name, name)), all: rowOf("all", undefined) }
}

/** From the first accept to the last callback. */
const secondsOf = (callbacks: ReadonlyArray<Callback>): number => {
  const first = callbacks.reduce(
    (least, { at, latencyMillis }) => Math.min(least, at - latencyMillis),
    Infinity
  )
  const last = callbacks.reduce((most, { at }) => Math.max(most, at), first)
  return callbacks.length === 0 ? 0 : (last - first) / 1000
}

const HEAD = ["function", "accepted", "succeeded", "retried", "dead", "callbacks", "p50", "p99", "calls/s"]

/** The summary as aligned lines: head, functions, all. */
export const lines = ({ all, functions }: Summary): ReadonlyArray<string> =>
  table([HEAD, ...functions.map(cellsOf), cellsOf(all)])

const cellsOf = (row: Row): ReadonlyArray<string> => [
  row.name,
  ...[row.accepted, row.succeeded, row.retried, row.deadLettered, row.callbacks].map(String),
  duration(row.p50),
  duration(row.p99),
  row.perSecond.toFixed(row.perSecond < 10 ? 1 : 0)
]

export const explanation =
  "retried: tried more than once; dead: dead-lettered; p50, p99: from accept to callback"

/** Milliseconds as people read them. */
export const duration = (millis: number | undefined): string => {
  if (millis === undefined) return "-"
  if (millis < 10) return `${millis.toFixed(1)} ms`
  if (millis < 1000) return `${millis.toFixed(0)} ms`
  return `${(millis / 1000).toFixed(2)} s`
}

/** How the sums hang together, for a run without problems. */
export const sums = ({ accepted, attempts, callbacks, deadLettered, succeeded }: Row): string =>
  `Every accepted call is accounted for exactly once: ${accepted} accepted = ${succeeded} succeeded + ` +
  `${deadLettered} dead-lettered = ${callbacks} callbacks; ${attempts} attempts = ${accepted} + ` +
  `${attempts - accepted} retries.`
