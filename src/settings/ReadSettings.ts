import { Result } from "effect"
import * as Credentials from "./Credentials.ts"
import { combine, mistakesBetween } from "./Settings.ts"
import type { Settings } from "./Settings.ts"
import { fallbackFor, flagName } from "./Setting.ts"
import { table } from "./SettingsTable.ts"
import type { Program, Setting } from "./Setting.ts"
import type { Values } from "./SettingsTable.ts"
import * as Unsupported from "./Unsupported.ts"

/** Texts by the name of their setting: flags beat the environment, which beats the default. */
export interface Sources {
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The text in force for a setting, and where it came from. */
export interface Origin {
  readonly setting: Setting<unknown>
  /** With credentials hidden; `undefined` when it is not set. */
  readonly shown: string | undefined
  readonly from: "flag" | "environment" | "default"
}

/** The settings of a program, how they came about, and what to tell its user at start. */
export interface Effective {
  readonly settings: Settings
  readonly origins: ReadonlyArray<Origin>
  readonly warnings: ReadonlyArray<string>
}

interface Reading extends Origin {
  readonly key: string
  readonly value: Result.Result<unknown, string>
}

/**
 * Reads everything a program needs. The failure is every mistake at once, a line each, naming the
 * variable or flag, the value (credentials hidden) and what is allowed. What the program does not use
 * is neither read nor checked and has its default.
 */
export function read(program: Program, sources: Sources): Result.Result<Effective, ReadonlyArray<string>> {
  const readings = Object.entries<Setting<unknown>>(table).map(([key, setting]) =>
    readOne(key, setting, program, sources)
  )
  const given = new Set(readings.flatMap(({ key, shown }) => (shown === undefined ? [] : [key])))
  const understood = Object.fromEntries(
    readings.map(({ key, value }) => [key, Result.getOrUndefined(value)])
  ) as Partial<Values>
  const unsupported = Unsupported.check(sources.environment)
  const mistakes = [
    ...readings.flatMap(mistakeOf),
    ...mistakesBetween(understood, (key) => given.has(key), program !== "operator"),
    ...unsupported.mistakes
  ]
  if (mistakes.length > 0) return Result.fail(mistakes)
  return Result.succeed({
    // Nothing was refused, so every key of the table has the value its parser made.
    settings: combine(understood as Values),
    origins: readings.filter(({ setting }) => setting.programs.includes(program)),
    warnings: unsupported.warnings
  })
}

function readOne(key: string, setting: Setting<unknown>, program: Program, sources: Sources): Reading {
  const used = setting.programs.includes(program)
  const flag = used ? sources.flags[setting.name] : undefined
  // An empty variable is how charts and compose files spell "not set".
  const variable = used ? sources.environment[setting.name] || undefined : undefined
  const from = flag !== undefined ? "flag" : variable !== undefined ? "environment" : "default"
  const text = flag ?? variable ?? fallbackFor(setting, program)
  return {
    key,
    setting,
    from,
    shown: text !== undefined && setting.secret ? Credentials.hide(text) : text,
    value: text === undefined ? Result.succeed(undefined) : setting.parser.parse(text)
  }
}

function mistakeOf({ from, setting, shown, value }: Reading): ReadonlyArray<string> {
  if (Result.isSuccess(value)) return []
  const label = from === "flag" ? `--${flagName(setting)}` : setting.name
  return [`${label}=${JSON.stringify(shown)} is not allowed: it must be ${value.failure}`]
}
