import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Ending from "../src/cli/Ending.ts"
import { atLeast, onlyIfGiven } from "../src/cli/Flags.ts"
import { version } from "../src/version.ts"
import { campaign } from "./Campaign.ts"
import { ChaosError } from "./ChaosError.ts"
import { type FaultKind, kinds } from "./plan/FaultKind.ts"
import { neverStruck } from "./report/Markdown.ts"
import * as Results from "./report/Results.ts"

const CALLS = 1_000

const seedsFrom = (text: string): ReadonlyArray<number> =>
  text.split(",").flatMap((part) => {
    const [, from, to = from] = /^([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?$/.exec(part.trim()) ?? []
    const count = Number(to) - Number(from) + 1
    return count > 0 ? Array.from({ length: count }, (_, index) => Number(from) + index) : [Number.NaN]
  })

const isKind = (text: string): text is FaultKind => kinds.some((kind) => kind === text)

const flags = {
  seeds: Flag.String("seeds").pipe(
    Flag.withMetavar("from-to"),
    Flag.map(seedsFrom),
    Flag.filter(
      (seeds) => seeds.every(Number.isInteger),
      () => "Expected whole numbers from 1 on, such as 1-20 or 3,7,9-12"
    ),
    Flag.withDescription("the runs, such as 1-20 or 3,7 (default 1-5)"),
    Flag.withDefault([1, 2, 3, 4, 5])
  ),
  calls: atLeast(1, "calls").pipe(
    Flag.withDescription(`calls of a run (default ${CALLS}); with another number no report is written`),
    Flag.withDefault(CALLS)
  ),
  faults: Flag.String("faults").pipe(
    Flag.withMetavar("kinds"),
    Flag.map((text) => text.split(",").map((kind) => kind.trim())),
    Flag.filter(
      (names) => names.every(isKind),
      (names) =>
        `There is no fault ${names.filter((name) => !isKind(name)).join(", ")}; there are ${kinds.join(", ")}`
    ),
    Flag.withDescription("only these, with commas between them; no report is written"),
    Flag.optional
  ),
  check: onlyIfGiven("check", "write no report"),
  keep: onlyIfGiven("keep", "keep the histories of good runs too")
}

const chaos = Command.make(
  "chaos",
  flags,
  Effect.fnUntraced(function* ({ calls, check, faults, keep, seeds }) {
    const chosen = Option.map(faults, (names) => names.filter(isKind))
    const options = { seeds, calls, keep, faults: Option.getOrElse(chosen, () => kinds) }
    const isReported = !check && Option.isNone(faults) && calls === CALLS
    const { bad, rows } = yield* campaign(options, async (row) => isReported && Results.add(row))
    if (isReported) {
      const missing = neverStruck(yield* Effect.promise(Results.all))
      yield* Console.log("chaos/report.md is written.")
      if (missing.length > 0 && bad.length === 0) {
        return yield* new ChaosError({ message: `These faults have not struck yet: ${missing.join(", ")}` })
      }
    }
    if (bad.length > 0) {
      return yield* new ChaosError({ message: `Something is wrong with seed ${bad.join(", ")}; see above.` })
    }
    yield* Console.log(`${rows.length} seeds, no violation.`)
  })
).pipe(
  Command.withDescription(
    `Calls under faults: real nats-servers, gateways and workers, about a thousand calls a run, a schedule of faults
drawn from the run's seed, and a check of what became of every call. Exits with 2 when something is wrong.
The same seed gives the same calls and the same schedule; what meets what is up to the machine.`
  )
)

Command.run(chaos, { version }).pipe(
  Effect.provide(NodeServices.layer),
  Effect.tapCause(Ending.report),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: Ending.teardown })
)
