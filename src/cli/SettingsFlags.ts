import { Effect, Option, Result } from "effect"
import { Flag } from "effect/cli"
import { read } from "../settings/ReadSettings.ts"
import type { Effective } from "../settings/ReadSettings.ts"
import { fallbackFor, flagName } from "../settings/Setting.ts"
import { settingsOf } from "../settings/SettingsTable.ts"
import type { Program, Setting } from "../settings/Setting.ts"
import { UserError } from "../settings/UserError.ts"
import * as Logging from "../telemetry/Logging.ts"

/** What a command's flags gave, by the name of the setting. */
export type Given = Readonly<Record<string, Option.Option<string>>>

/** A flag for each setting a program reads; values are checked later, all together. */
export function flagsFor(program: Program): Record<string, Flag.Flag<Option.Option<string>>> {
  return Object.fromEntries(
    settingsOf(program).map(([, setting]) => [
      setting.name,
      flagFor(setting).pipe(Flag.withDescription(describe(setting, program)), Flag.optional)
    ])
  )
}

/** The settings in force, or one error with every mistake. */
export function effective(program: Program, given: Given): Effect.Effect<Effective, UserError> {
  const flags = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, Option.getOrUndefined(value)])
  )
  return Effect.suspend(() =>
    Result.match(read(program, { flags, environment: process.env }), {
      onSuccess: Effect.succeed,
      onFailure: (mistakes) => Effect.fail(new UserError({ message: list(mistakes) }))
    })
  )
}

/** Runs a program with its settings and its log, after telling what is worth a warning in the settings. */
export const run = <E, R>(
  program: Program,
  given: Given,
  main: (settings: Effective["settings"]) => Effect.Effect<void, E, R>
): Effect.Effect<void, E | UserError, R> =>
  Effect.gen(function* () {
    const { settings, warnings } = yield* effective(program, given)
    const logging = Logging.layer({ encoding: settings.logEncoding, debug: settings.debug })
    return yield* Effect.forEach(warnings, (warning) => Effect.logWarning(warning)).pipe(
      Effect.andThen(main(settings)),
      Effect.provide(logging)
    )
  })

function flagFor(setting: Setting<unknown>): Flag.Flag<string> {
  return setting.parser.type === "boolean"
    ? Flag.Boolean(flagName(setting)).pipe(Flag.withoutNegation, Flag.map(String))
    : Flag.String(flagName(setting)).pipe(Flag.withMetavar(setting.parser.type))
}

function describe(setting: Setting<unknown>, program: Program): string {
  const fallback = fallbackFor(setting, program)
  return `${setting.doc} [${setting.name}, ${fallback === undefined ? "not set" : `default ${fallback}`}]`
}

function list(mistakes: ReadonlyArray<string>): string {
  const [first] = mistakes
  if (mistakes.length === 1 && first !== undefined) return first
  return [`${mistakes.length} mistakes in the settings:`, ...mistakes].join("\n  ")
}
