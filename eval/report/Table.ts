/** A Markdown table; cells padded the way prettier does. */
export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = header.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0))
  )
  const line = (cells: ReadonlyArray<string>) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`
  return [line(header), rule, ...rows.map(line)].join("\n")
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

export const times = (ratio: number | undefined): string => (ratio === undefined ? "DNF" : ratio.toFixed(2))

/** Seconds with one digit; a dash when it never happened. */
export const secondsOf = (value: number | undefined): string => value?.toFixed(1) ?? "–"

/** A number with as many digits as are worth reading. */
export const short = (value: number | undefined): string => {
  if (value === undefined) return "–"
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 0.1 ? 4 : 3)
}
