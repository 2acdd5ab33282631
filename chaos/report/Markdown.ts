import { describe, kinds } from "../plan/FaultKind.ts"
import type { Row } from "./Row.ts"

/** What strikes without being in the schedule. */
const others: Readonly<Record<string, string>> = {
  "server-killed-sync-always": "of those, nats-server kills with `sync_interval: always`",
  "function-500": "a function answers 500",
  "function-429": "a function answers 429",
  "function-503": "a function answers 503 with Retry-After",
  "function-reset": "a function resets the connection",
  "function-half": "a function answers half",
  "function-hang": "a function does not answer before its caller goes away",
  "receiver-503": "a receiver answers 503 to a callback"
}

const descriptions: ReadonlyArray<readonly [string, string]> = [
  ...kinds.map((kind) => [kind, describe(kind).text] as const),
  ...Object.entries(others)
]

const notBuilt: ReadonlyArray<readonly [string, string]> = [
  [
    "power cut",
    "what was written and not synced survives a killed process; losing it would need a disk of our own under the server"
  ]
]

const sum = (rows: ReadonlyArray<Row>, value: (row: Row) => number): number =>
  rows.reduce((total, row) => total + value(row), 0)

const struck = (rows: ReadonlyArray<Row>, kind: string) => sum(rows, ({ faults }) => faults[kind] ?? 0)

/** Kinds of faults that no run has met: a campaign without them has not shown what it should. */
export const neverStruck = (rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  descriptions.map(([kind]) => kind).filter((kind) => struck(rows, kind) === 0)

const line = (cells: ReadonlyArray<string | number>) => `| ${cells.join(" | ")} |`

export const markdown = (rows: ReadonlyArray<Row>): string => {
  const missing = neverStruck(rows)
  return `# Faults

Made by \`npm run chaos -- --seeds ${ranges(rows.map(({ seed }) => seed))}\` (slices add to it; \`results.json\` has a line for each seed). A seed is a run: real \`nats-server\`s, gateways and workers as processes of their own, about a thousand calls to six functions, and a schedule of faults drawn from the seed. What is checked, in chaos/checker: no accepted call is lost, none is wrongly dead-lettered, every repetition is explained by a fault that overlapped it, no attempt after a final result except those, \`sluice.limit\` is kept, each call is in exactly one place at quiet moments, and everything has settled within 30 s of the last fault.

**${sum(rows, ({ violations }) => violations)} violations** in ${rows.length} seeds: ${sum(rows, ({ posted }) => posted)} calls posted, ${sum(rows, ({ accepted }) => accepted)} accepted, ${sum(rows, ({ attempts }) => attempts)} attempts, ${sum(rows, ({ callbacks }) => callbacks)} callbacks, ${sum(rows, ({ dead }) => dead)} dead letters, ${sum(rows, ({ repeated }) => repeated)} repetitions, all explained by a fault unless counted as a violation. ${missing.length === 0 ? "Every kind of fault has struck." : `Never struck: ${missing.join(", ")}.`}

| kind of fault | what happens | struck | in seeds |
| --- | --- | ---: | ---: |
${descriptions.map(([kind, text]) => line([kind, text, struck(rows, kind), rows.filter(({ faults }) => (faults[kind] ?? 0) > 0).length])).join("\n")}

Late: how often the machine gave somebody no time for half a second or more, which counts as a fault of his and may explain a repetition.

Not built: ${notBuilt.map(([kind, reason]) => `${kind} (${reason})`).join("; ")}.

| seed | nats-server | limiter | posted | accepted | attempts | repeated | dead | callbacks | settled in, s | late | violations |
| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.map(ofSeed).join("\n")}
`
}

const ofSeed = (row: Row): string =>
  line([
    row.seed,
    `${row.server}${row.topology === "cluster" ? ", three nodes" : ""}${row.syncAlways ? ", sync always" : ""}`,
    row.limiter ? "adaptive" : "fixed",
    row.posted,
    row.accepted,
    row.attempts,
    row.repeated,
    row.dead,
    row.callbacks,
    (row.settledIn / 1000).toFixed(1),
    row.late,
    row.violations
  ])

/** 1-3,7 for 1, 2, 3 and 7. */
export const ranges = (numbers: ReadonlyArray<number>): string => {
  const found: Array<[from: number, to: number]> = []
  for (const number of numbers) {
    const last = found.at(-1)
    if (last !== undefined && last[1] + 1 === number) last[1] = number
    else found.push([number, number])
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",")
}
