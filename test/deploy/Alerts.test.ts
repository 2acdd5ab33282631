import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { beforeAll, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { format } from "prettier"
import { parse, stringify } from "yaml"
import prettierOptions from "../../.prettierrc.json" with { type: "json" }
import * as PackagedPrograms from "../support/PackagedPrograms.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly annotations?: { readonly runbook_url: string }
}

const deploy = join(import.meta.dirname, "..", "..", "deploy")
const text = (path: string) => readFileSync(join(deploy, path), "utf8")
const rulesText = text("prometheus/rules.yaml")
const { groups }: { readonly groups: ReadonlyArray<{ readonly rules: ReadonlyArray<Rule> }> } =
  parse(rulesText)
const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined)

let promtool: string
beforeAll(async () => {
  promtool = (await Effect.runPromise(PackagedPrograms.prometheus)).promtool
}, 180_000)

/** The output of promtool; a complaint makes the test fail with it. */
const run = (...args: ReadonlyArray<string>) =>
  Effect.promise(async () => (await promisify(execFile)(promtool, [...args])).stdout)

it.effect("promtool finds the rules right", () =>
  Effect.map(run("check", "rules", join(deploy, "prometheus/rules.yaml")), (output) =>
    expect(output).toContain("SUCCESS")
  )
)

const testFiles = ["prometheus/rules.test.yaml", "prometheus/rules.days.test.yaml"]

it.effect.each(testFiles)("each rule does in promtool what %s says", (file) =>
  Effect.map(run("test", "rules", join(deploy, file)), (output) => expect(output).toContain("SUCCESS"))
)

it.effect("promtool finds Prometheus's own configuration right, but for the place of the rules", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const file = join(directory, "prometheus.yml")
    const configuration = text("compose/prometheus.yml").replace(
      "/etc/prometheus",
      join(deploy, "prometheus")
    )
    yield* Effect.promise(() => writeFile(file, configuration))
    expect(yield* run("check", "config", file)).toContain("SUCCESS")
  })
)

interface RuleTest {
  readonly alert_rule_test?: ReadonlyArray<{
    readonly alertname: string
    readonly exp_alerts?: ReadonlyArray<unknown>
  }>
}

it("each alert has tests of when it fires and when it does not, and a paragraph in the runbook", () => {
  const asked = testFiles.flatMap((file) =>
    (parse(text(file)).tests as ReadonlyArray<RuleTest>).flatMap((test) => test.alert_rule_test ?? [])
  )
  const namesOf = (fires: boolean) =>
    new Set(
      asked.filter(({ exp_alerts }) => (exp_alerts !== undefined) === fires).map(({ alertname }) => alertname)
    )
  const headings = [...text("runbook.md").matchAll(/^## (?<name>\w+)$/gm)].map(
    (match) => match.groups?.["name"]
  )
  const names = alerts.map(({ alert }) => alert)
  expect(namesOf(true)).toEqual(new Set(names))
  expect(namesOf(false)).toEqual(new Set(names))
  expect(headings).toEqual(names)
  for (const { alert, annotations } of alerts) {
    expect(annotations?.runbook_url).toBe(`deploy/runbook.md#${alert?.toLowerCase()}`)
  }
})

it("the operator's PrometheusRule is rules.yaml (vitest run test/deploy/Alerts.test.ts -u writes it)", async () => {
  const rule = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "sluice" },
    spec: { groups }
  }
  const manifest = `# Made from rules.yaml by test/deploy/Alerts.test.ts.\n${stringify(rule)}`
  const formatted = await format(manifest, { ...(prettierOptions as object), parser: "yaml" })
  await expect(formatted).toMatchFileSnapshot(join(deploy, "prometheus/prometheus-rule.yaml"))
})

const queriesOfDashboard = (name: string): ReadonlyArray<string> =>
  JSON.parse(text(`grafana/${name}.json`)).panels.flatMap(
    ({ targets }: { readonly targets: ReadonlyArray<{ readonly expr: string }> }) =>
      targets.map(({ expr }) => expr)
  )

const queriesOfScaledObject = (path: string): ReadonlyArray<string> =>
  parse(text(`kubernetes/${path}`)).spec.triggers.map(
    ({ metadata }: { readonly metadata: { readonly query: string } }) => metadata.query
  )

const calls = (queue: string, worker: number, value: number) => ({
  series: `sluice_queue_calls{queue_name="${queue}", instance="${worker}"}`,
  values: `${value}x10`
})

it.effect("workers are scaled by each call once, and 0 is told from a queue that nobody watches", () =>
  Effect.gen(function* () {
    const [expr] = queriesOfScaledObject("components/autoscaling/worker-scaled-object.yaml")
    const another = calls("slow-fns", 3, 9)
    const tests = [
      { input_series: [calls("faas-request", 1, 7), calls("faas-request", 2, 7), another], value: 7 },
      { input_series: [calls("faas-request", 1, 0), another], value: 0 },
      { input_series: [another], value: undefined }
    ].map(({ input_series, value }) => ({
      interval: "15s",
      input_series,
      promql_expr_test: [
        {
          expr,
          eval_time: "1m",
          exp_samples: value === undefined ? [] : [{ labels: "{}", value }]
        }
      ]
    }))
    const file = join(yield* temporaryDirectory, "test.yaml")
    yield* Effect.promise(() => writeFile(file, stringify({ tests })))
    expect(yield* run("test", "rules", file)).toContain("SUCCESS")
  })
)

it.effect.each([
  ["the dashboard overview", queriesOfDashboard("overview")],
  ["the dashboard function", queriesOfDashboard("function")],
  ["the autoscaling of workers", queriesOfScaledObject("components/autoscaling/worker-scaled-object.yaml")],
  ["the autoscaling of a function", queriesOfScaledObject("examples/function-autoscaling/function.yaml")]
] as const)("every query of %s is PromQL", ([name, queries]) =>
  Effect.gen(function* () {
    expect(queries.length).toBeGreaterThan(0)
    const rules = queries.map((expr, index) => ({ record: `panel:${index}`, expr }))
    const directory = yield* temporaryDirectory
    const file = join(directory, "rules.yaml")
    yield* Effect.promise(() => writeFile(file, stringify({ groups: [{ name, rules }] })))
    expect(yield* run("check", "rules", file)).toContain("SUCCESS")
  })
)
