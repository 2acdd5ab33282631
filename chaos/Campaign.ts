import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Cause, Console, Duration, Effect } from "effect"
import { ChaosError } from "./ChaosError.ts"
import type { FaultKind } from "./plan/FaultKind.ts"
import { plan } from "./plan/Plan.ts"
import { type Row, rowOf } from "./report/Row.ts"
import { run } from "./Run.ts"
import * as Servers from "./world/Servers.ts"

interface Options {
  readonly seeds: ReadonlyArray<number>
  readonly calls: number
  readonly faults: ReadonlyArray<FaultKind>
  /** histories of good runs are kept too */
  readonly keep: boolean
}

const AT_MOST = Duration.minutes(5)
const SHOWN = 10

/**
 * Runs the seeds one after the other; the rows of those that could be run, whatever was found. Each one is given to
 * `keep` when it is there.
 */
export const campaign = Effect.fnUntraced(function* (options: Options, keep: (row: Row) => Promise<unknown>) {
  const servers = yield* Servers.find
  const rows: Array<Row> = []
  const bad: Array<number> = []
  for (const seed of options.seeds) {
    const row = yield* one(seed, options, servers)
    if (row !== undefined) {
      rows.push(row)
      yield* Effect.promise(() => keep(row))
    }
    if (row === undefined || row.violations > 0) bad.push(seed)
  }
  return { rows, bad }
})

const one = Effect.fnUntraced(function* (
  seed: number,
  options: Options,
  servers: ReadonlyArray<Servers.Server>
) {
  const drawn = plan(seed, options.calls, options.faults)
  const { server, syncAlways } = Servers.serverOf(drawn, servers)
  if (server === undefined) return yield* new ChaosError({ message: "There is no nats-server." })
  const directory = yield* Effect.promise(() => mkdtemp(join(tmpdir(), `sluice-chaos-${seed}-`)))
  const startedAt = performance.now()
  const finished = yield* run({ ...drawn, syncAlways }, server.bin, directory).pipe(
    Effect.timeout(AT_MOST),
    Effect.tapCause((cause) =>
      Console.error(`seed ${seed} could not be run: ${Cause.pretty(cause)}\nWhat there is is in ${directory}`)
    ),
    Effect.catchCause((cause) => (Cause.hasInterrupts(cause) ? Effect.failCause(cause) : Effect.undefined))
  )
  if (finished === undefined) return undefined
  const row = rowOf(finished, server.version)
  const { violations } = finished
  yield* Console.log(progress(row, performance.now() - startedAt))
  for (const { call, rule, text } of violations.slice(0, SHOWN)) {
    yield* Console.log(`  ${rule}: ${call === undefined ? "" : `${call} `}${text}`)
  }
  if (violations.length > SHOWN) yield* Console.log(`  ... and ${violations.length - SHOWN} more`)
  if (violations.length > 0 || options.keep) yield* Console.log(`  history: ${directory}`)
  else yield* Effect.promise(() => rm(directory, { recursive: true, force: true }))
  return row
})

const progress = (row: Row, millis: number): string => {
  const faults = Object.entries(row.faults)
    .filter(([kind]) => !/^(function-|receiver-503)/.test(kind))
    .map(([kind, count]) => (count > 1 ? `${kind} ×${count}` : kind))
  return (
    `seed ${row.seed}: ${row.violations === 0 ? "ok" : `${row.violations} VIOLATIONS`} in ${(millis / 1000).toFixed(0)} s; ` +
    `${row.accepted} of ${row.posted} calls accepted, ${row.attempts} attempts, ${row.repeated} repeated, ${row.dead} dead, ` +
    `settled in ${(row.settledIn / 1000).toFixed(1)} s` +
    `${row.late > 0 ? `, machine late ${row.late} times` : ""}; ${faults.join(", ")}`
  )
}
