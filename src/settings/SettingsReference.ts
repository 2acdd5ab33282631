import { flagName } from "./Setting.ts"
import { table } from "./SettingsTable.ts"
import type { Setting } from "./Setting.ts"

/** The README's table of every setting, as Markdown. */
export function markdown(): string {
  const rows = Object.values<Setting<unknown>>(table).map((setting) =>
    row([
      `\`${setting.name}\``,
      `\`--${flagName(setting)}\``,
      defaultOf(setting),
      `${setting.doc} (${setting.parser.allowed})`,
      setting.programs.join(", ").replace("start, gateway, worker", "all")
    ])
  )
  const head = row(["Variable", "Flag", "Default", "Meaning (allowed)", "Used by"])
  return [head, row(["---", "---", "---", "---", "---"]), ...rows].join("\n")
}

function row(cells: ReadonlyArray<string>): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
}

function defaultOf(setting: Setting<unknown>): string {
  if (setting.fallback === undefined) return "not set"
  const others = Object.entries(setting.fallbackOf ?? {}).map(
    ([program, text]) => `, \`${text}\` for ${program}`
  )
  return `\`${setting.fallback}\`${others.join("")}`
}
