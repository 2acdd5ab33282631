/**
 * The limiter on real parts: nats-server, gateway and workers as processes, against a process that plays the
 * published OpenFaaS scenario.
 *
 *   node eval/live/main.ts            everything, in minutes; writes eval/live/report.md and picture.svg
 *   node eval/live/main.ts --quick    a small run in seconds; writes nothing
 */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Ending from "../../src/cli/Ending.ts"
import { onlyIfGiven } from "../../src/cli/Flags.ts"
import { version } from "../../src/version.ts"
import * as Contest from "./Contest.ts"
import { picture } from "./Picture.ts"
import * as Report from "./Report.ts"
import { run } from "./Run.ts"

/** Runs at the same time: nearly all of a run is waiting, so that they hardly disturb each other. */
const AT_ONCE = 4

const flags = {
  quick: onlyIfGiven("quick", "a small run that writes no report"),
  json: Flag.String("json").pipe(
    Flag.withMetavar("file"),
    Flag.withDescription("where to write the figures of each run"),
    Flag.optional
  )
}

const live = Command.make(
  "eval:live",
  flags,
  Effect.fnUntraced(function* ({ json, quick }) {
    const contests = quick ? Contest.quick : Contest.full
    const runs = yield* Effect.forEach(
      contests,
      (contest) => Effect.tap(run(contest), ({ measured }) => Console.log(Report.line(measured))),
      { concurrency: AT_ONCE }
    )
    const measured = runs.map((each) => each.measured)
    yield* Console.log(`\n${Report.table(measured)}\n\n${Report.marks(measured)}`)
    if (Option.isSome(json)) yield* write(json.value, `${JSON.stringify(measured, null, 2)}\n`)
    if (quick) return
    yield* write(join(import.meta.dirname, "report.md"), Report.markdown(measured))
    yield* write(join(import.meta.dirname, "picture.svg"), picture(runs))
  })
).pipe(Command.withDescription("Greedy against adaptive on real parts, in OpenFaaS's published scenario."))

const write = (file: string, text: string) => Effect.promise(() => writeFile(file, text))

Command.run(live, { version }).pipe(
  Effect.provide(NodeServices.layer),
  Effect.tapCause(Ending.report),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
