import { Context } from "effect"
import { type Instrument, type Instruments, silent } from "./Instruments.ts"
import { gateway, table, worker } from "./MetricsTable.ts"

type Table = typeof table

/** Every metric of the table, ready to be counted. */
export type Live = { readonly [Key in keyof Table]: Instrument<Table[Key]> }

const each = (make: (definition: Table[keyof Table]) => object): Live =>
  // The instrument of a definition has the methods of its kind.
  Object.fromEntries(Object.entries(table).map(([key, definition]) => [key, make(definition)])) as Live

/** Where programs count. Who is given nothing else counts nothing. */
export const Metrics = Context.Reference<Live>("sluice/telemetry/Metrics", {
  defaultValue: () => each(() => silent)
})

/** Counts into these instruments for these programs. */
export const live = (instruments: Instruments, programs: ReadonlyArray<"worker" | "gateway">): Live => {
  const theirs = new Set<unknown>([
    ...(programs.includes("worker") ? Object.values(worker) : []),
    ...(programs.includes("gateway") ? Object.values(gateway) : [])
  ])
  return each((definition) => instruments.make(definition, theirs.has(definition)))
}
