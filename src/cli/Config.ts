import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import type { Origin } from "../settings/ReadSettings.ts"
import { flagName } from "../settings/Setting.ts"
import { output } from "./Flags.ts"
import * as SettingsFlags from "./SettingsFlags.ts"

const flags = {
  output: output("text", "how to print them"),
  for: Flag.Literals("for", ["start", "gateway", "worker"]).pipe(
    Flag.withDescription("the program whose settings are meant (default start, which has all of them)"),
    Flag.withDefault("start")
  ),
  settings: SettingsFlags.flagsFor("start")
}

export const config = Command.make("config", flags, ({ for: program, output, settings }) =>
  Effect.gen(function* () {
    const { origins, warnings } = yield* SettingsFlags.effective(program, settings)
    for (const warning of warnings) yield* Console.error(`warning: ${warning}`)
    yield* Console.log(output === "json" ? json(origins) : text(origins))
  })
).pipe(
  Command.withShortDescription("Check and print the effective settings, secrets hidden"),
  Command.withDescription(
    `Checks the settings and prints them with where each comes from; credentials are hidden.

  Ends with 2 and every mistake when something is wrong.`
  ),
  Command.withExamples([
    { command: "sluice config", description: "What sluice start would run with" },
    { command: "sluice config --for worker --output json", description: "For programs" }
  ])
)

function text(origins: ReadonlyArray<Origin>): string {
  const rows = origins.map(({ from, setting, shown }) => ({ name: setting.name, value: shown ?? "-", from }))
  const nameWidth = Math.max(...rows.map(({ name }) => name.length))
  const valueWidth = Math.max(...rows.map(({ value }) => value.length))
  return rows
    .map(({ from, name, value }) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${from}`)
    .join("\n")
}

function json(origins: ReadonlyArray<Origin>): string {
  const entries = origins.map(({ from, setting, shown }) => [
    setting.name,
    { value: shown ?? null, from, flag: `--${flagName(setting)}` }
  ])
  return JSON.stringify(Object.fromEntries(entries), null, 2)
}
