import { labelsOf, type MetricDefinition } from "./MetricDefinition.ts"
import { gateway, process, worker } from "./MetricsTable.ts"

/** The README's table of every metric, as Markdown. */
export function markdown(): string {
  return [
    row(["Metric", "Type", "Labels", "Meaning", "Of"]),
    row(["---", "---", "---", "---", "---"]),
    ...rows(worker, "worker"),
    ...rows(gateway, "gateway"),
    ...rows(process, "both")
  ].join("\n")
}

function rows(table: Readonly<Record<string, MetricDefinition>>, program: string): ReadonlyArray<string> {
  return Object.values(table).map((definition) =>
    row([
      `\`${definition.name}\``,
      definition.exposedAsGauge ? "gauge" : definition.kind,
      labelsOf(definition)
        .map((label) => `\`${label}\``)
        .join(", "),
      definition.help,
      program
    ])
  )
}

function row(cells: ReadonlyArray<string>): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
}
