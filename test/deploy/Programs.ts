import { Result } from "effect"
import { read } from "../../src/settings/ReadSettings.ts"
import type { Settings } from "../../src/settings/Settings.ts"
import type { Program } from "../../src/settings/Setting.ts"
import { settingsOf } from "../../src/settings/SettingsTable.ts"
import * as TraceSettings from "../../src/telemetry/TraceSettings.ts"

/** Variables of OpenTelemetry's specification that deployments set. */
const openTelemetry = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER"]

/** Variables that the program would not look at. */
export const unknownVariables = (program: Program, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const known = new Set([...settingsOf(program).map(([, setting]) => setting.name), ...openTelemetry])
  return names.filter((name) => !known.has(name))
}

/** The settings the program would run with; fails with what it would complain about at its start. */
export const settingsIn = (program: Program, environment: Readonly<Record<string, string>>): Settings => {
  const { settings, warnings } = Result.getOrThrowWith(
    read(program, { flags: {}, environment }),
    (mistakes) => new Error(mistakes.join("\n"))
  )
  if (warnings.length > 0) throw new Error(warnings.join("\n"))
  Result.getOrThrowWith(TraceSettings.read(environment), (mistake) => new Error(mistake))
  return settings
}
