import { existsSync, globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { labelsOf } from "../../src/telemetry/MetricDefinition.ts"
import { markdown } from "../../src/telemetry/MetricsReference.ts"
import { table } from "../../src/telemetry/MetricsTable.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const readme = join(root, "README.md")
const definitions = Object.values(table)

/** The names a metric is queried by. */
const series = new Set(
  definitions.flatMap(({ kind, name }) =>
    kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
  )
)

/** Every word in a text that looks like one of our metrics. */
const named = (text: string): ReadonlyArray<string> =>
  text.match(/\b(?:sluice|queue_worker|gateway_function|gateway_nats|http_request)s?_\w+/g) ?? []

/** The labels that a text asks of one of our metrics, with the values it compares them with. */
const selected = (text: string) =>
  [...text.matchAll(/\b(\w+)\{([^}]*)\}/g)].flatMap(([, name = "", matchers = ""]) =>
    [...matchers.matchAll(/(\w+)\s*[!=]?[=~]\s*\\?"([^"\\]*)\\?"/g)].map(([, label = "", value = ""]) => ({
      definition: definitions.find((each) => name.replace(/_(bucket|sum|count)$/, "") === each.name),
      label,
      value
    }))
  )

/** Those that Prometheus adds, as it is set up in deploy/. */
const added = new Set(["job", "instance", "le", "namespace", "pod"])

describe("the metrics", () => {
  it("have each name once, at most eight buckets, and no label that Prometheus keeps for itself", () => {
    expect(new Set(definitions.map(({ name }) => name)).size).toBe(definitions.length)
    for (const definition of definitions) {
      expect(definition.bounds.length, definition.name).toBeLessThanOrEqual(7)
      expect(definition.bounds.length > 0, definition.name).toBe(definition.kind === "histogram")
      expect(definition.bounds.toSorted((a, b) => a - b)).toEqual(definition.bounds)
      expect(labelsOf(definition)).not.toContain("le")
      expect(labelsOf(definition)).not.toContain("instance")
    }
  })

  it.skipIf(!existsSync(readme))("in the README are those of the program", () => {
    const text = readFileSync(readme, "utf8")
    const between = text.split("<!-- metrics -->")[1]?.split("<!-- /metrics -->")[0]
    expect(between?.trim()).toBe(markdown())
  })

  const files = globSync("deploy/**/*.{json,md,yaml,yml}", { cwd: root })
  it.skipIf(files.length === 0)(
    "that dashboards, alerts and autoscalers ask for are those of the program",
    () => {
      const unknown = files.flatMap((file) =>
        named(readFileSync(join(root, file), "utf8"))
          .filter((name) => !series.has(name))
          .map((name) => `${file}: ${name}`)
      )
      expect(unknown).toEqual([])
    }
  )

  it.skipIf(files.length === 0)(
    "are asked by dashboards and alerts for labels they have, with values they can have",
    () => {
      const asked = files.flatMap((file) => selected(readFileSync(join(root, file), "utf8")))
      const wrong = asked.filter(({ definition, label, value }) => {
        if (definition === undefined || added.has(label)) return false
        const known = label === "queue_name" ? [] : definition.known
        return !labelsOf(definition).includes(label) || (known.length > 0 && !known.includes(value))
      })
      expect(wrong.map(({ definition, label, value }) => `${definition?.name}{${label}="${value}"}`)).toEqual(
        []
      )
      expect(asked.filter(({ definition }) => (definition?.known.length ?? 0) > 0)).not.toEqual([])
    }
  )
})
