import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { randomInt } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { eventually } from "./Eventually.ts"
import { prometheus as programs } from "./PackagedPrograms.ts"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

interface Options {
  /** Addresses `host:port` whose `/metrics` is scraped, by the name of their job. */
  readonly jobs: Readonly<Record<string, ReadonlyArray<string>>>
  readonly ruleFiles: ReadonlyArray<string>
}

/** One series of an instant query's answer. */
export interface Found {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Debian's Prometheus, which scrapes twice a second; ends with the scope. */
export const start = Effect.fnUntraced(function* ({ jobs, ruleFiles }: Options) {
  const { prometheus } = yield* programs
  const directory = yield* temporaryDirectory
  const config = join(directory, "prometheus.yml")
  const scrape_configs = Object.entries(jobs).map(([job_name, targets]) => ({
    job_name,
    static_configs: [{ targets }]
  }))
  const global = { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "500ms" }
  yield* Effect.promise(() =>
    // JSON is YAML too.
    writeFile(config, JSON.stringify({ global, rule_files: ruleFiles, scrape_configs }))
  )
  const port = randomInt(10_000, 32_000)
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(
        prometheus,
        [
          `--config.file=${config}`,
          `--storage.tsdb.path=${join(directory, "data")}`,
          `--web.listen-address=127.0.0.1:${port}`,
          "--log.level=error"
        ],
        { stdio: ["ignore", "ignore", "inherit"] }
      )
    ),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill("SIGKILL")
        await once(child, "exit")
      })
  )
  const url = `http://127.0.0.1:${port}`
  yield* eventually(
    "Prometheus is ready",
    Effect.tryPromise(async () => (await fetch(`${url}/-/ready`)).ok)
  )

  /** Fails when Prometheus does not understand the query. */
  const query = (expression: string) =>
    Effect.tryPromise({
      try: async (): Promise<ReadonlyArray<Found>> => {
        const body = new URLSearchParams({ query: expression })
        const response = await fetch(`${url}/api/v1/query`, { method: "POST", body })
        const answer = JSON.parse(await response.text())
        if (answer.status !== "success") throw new Error(answer.error)
        const { result, resultType } = answer.data
        if (resultType === "scalar") return [{ labels: {}, value: Number(result[1]) }]
        return result.map(
          ({ metric, value }: { metric: Record<string, string>; value: [number, string] }) => ({
            labels: metric,
            value: Number(value[1])
          })
        )
      },
      catch: (cause) => new Error(`${expression}: ${cause instanceof Error ? cause.message : String(cause)}`)
    })

  /** What Grafana makes of `label_values(series, label)`. */
  const labelValues = (series: string, label: string) =>
    Effect.tryPromise(async (): Promise<ReadonlyArray<string>> => {
      const response = await fetch(
        `${url}/api/v1/label/${label}/values?${new URLSearchParams({ "match[]": series })}`
      )
      const answer = JSON.parse(await response.text())
      if (answer.status !== "success") throw new Error(answer.error)
      return answer.data
    })

  return {
    query,
    labelValues,
    /** Waits until the query's answer is so, and gives it. */
    finds: (expression: string, wanted: (found: ReadonlyArray<Found>) => boolean) =>
      eventually(
        expression,
        Effect.map(query(expression), (found) => {
          if (!wanted(found)) throw new Error(`it is ${JSON.stringify(found)}`)
          return found
        })
      )
  }
})

/** What `promtool check metrics` has to say about an exposition, a line each. */
export const complaints = Effect.fnUntraced(function* (exposition: string) {
  const { promtool } = yield* programs
  return yield* Effect.promise(
    () =>
      new Promise<ReadonlyArray<string>>((resolve) => {
        const child = execFile(promtool, ["check", "metrics"], (_, stdout, stderr) =>
          resolve(`${stdout}${stderr}`.split("\n").filter((line) => line !== ""))
        )
        child.stdin?.end(exposition)
      })
  )
})
