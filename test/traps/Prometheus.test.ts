import { existsSync, globSync, readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import * as Prometheus from "../support/Prometheus.ts"
import { streamName } from "../support/QueueState.ts"
import * as Scrape from "../support/Scrape.ts"
import { natsClient, post, startGateway, startWorker } from "../support/Sluice.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** What OpenFaaS's own rule is, for trees without the deployment's. */
const rules = `groups:
  - name: load
    rules:
      - record: job:function_current_load:sum
        expr: |
          sum by (function_name) (avg by (queue_name, function_name) (queue_worker_pending_messages))
            and on (function_name) gateway_service_target_load{scaling_type="queue"}
        labels: { scaling_type: queue }
`

const address = (url: string) => url.replace("http://", "")

/**
 * A queue with calls in every state, another one in static mode with a call that runs, a third one that nobody has called
 * yet, a Prometheus that scrapes all of it, and a provider's gateway beside it.
 */
const prepare = Effect.gen(function* () {
  const nats = yield* startNats()
  const { jetstream, manager } = yield* natsClient(nats.url)
  yield* Effect.promise(() =>
    manager.streams.add({
      name: streamName,
      subjects: ["faas-request", "faas-request.>"],
      retention: "workqueue",
      discard: "new",
      max_bytes: 10_000_000,
      max_msgs: 10_000
    })
  )
  const gate = new Gate()
  const fn = yield* HttpFunction.start({
    answer: async (request, response) => {
      if (request.url.startsWith("/slow")) await gate.pass()
      const status = { "/broken/": 500, "/busy/": 429 }[request.url] ?? 200
      response.writeHead(status).end()
    }
  })
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, max_retry_attempts: "1" }
  const gateway = yield* startGateway(environment)
  const workers = [yield* startWorker(environment), yield* startWorker(environment)]
  const call = (name: string, callback?: string) =>
    post(`${gateway.url}/async-function/${name}`, {
      headers: callback === undefined ? {} : { "X-Callback-Url": callback }
    })
  for (let n = 0; n < 3; n++) yield* call("slow")
  yield* call("quick", fn.url)
  yield* call("broken")
  yield* call("busy")
  yield* post(`${gateway.url}/function/quick`)
  const ordered = yield* startWorker({ ...environment, queue_name: "ordered", scaling_mode: "static" })
  const quiet = yield* startWorker({ ...environment, queue_name: "quiet" })
  const message = JSON.stringify({ Function: "slow" })
  yield* Effect.promise(() => jetstream.publish("ordered.slow.openfaas-fn", message))
  const provider = yield* HttpFunction.start({
    answer: (_, response) =>
      void response.end(
        'gateway_service_target_load{function_name="slow.openfaas-fn",scaling_type="queue"} 10\n' +
          'gateway_service_target_load{function_name="quick.openfaas-fn",scaling_type="rps"} 10\n'
      )
  })

  const shipped = join(root, "deploy/prometheus/rules.yaml")
  const ruleFile = join(yield* temporaryDirectory, "rules.yaml")
  const text = existsSync(shipped) ? readFileSync(shipped, "utf8") : rules
  // As often as this Prometheus evaluates, which is more often than the rules ask for.
  yield* Effect.promise(() => writeFile(ruleFile, text.replaceAll(/^\s*interval: \w+$/gm, "")))
  const prometheus = yield* Prometheus.start({
    jobs: {
      "sluice-gateway": [address(gateway.operationsUrl)],
      "sluice-worker": [...workers, ordered, quiet].map(({ operationsUrl }) => address(operationsUrl)),
      provider: [address(provider.url)]
    },
    ruleFiles: [ruleFile]
  })
  return { prometheus, gate, gateway, workers, call }
})

const only = (value: number) => (found: ReadonlyArray<Prometheus.Found>) =>
  found.length === 1 && found[0]?.value === value

interface Dashboard {
  readonly templating: {
    readonly list: ReadonlyArray<{
      readonly name: string
      readonly query: string | { readonly query: string }
    }>
  }
  readonly panels: ReadonlyArray<{
    readonly type: string
    readonly targets: ReadonlyArray<{ readonly expr: string }>
  }>
}

/** With a queue and a function of it for Grafana's variables. */
const filledIn = (query: string, queue = "faas-request") =>
  query
    .replaceAll('=~"$queue_name"', '=~".+"')
    .replaceAll("$queue_name", queue)
    .replaceAll("$function_name", "busy.openfaas-fn")

/** The queries that give a dashboard's variables their values. */
const variablesOf = ({ templating }: Dashboard) =>
  templating.list.flatMap(({ name, query }) => {
    if (typeof query === "string") return []
    const { label = "", series = "" } =
      /^label_values\((?<series>.+), (?<label>\w+)\)$/.exec(query.query)?.groups ?? {}
    return [{ name, series, label }]
  })

const queueNames = ["faas-request", "ordered", "quiet"]

const ofEveryQueue = (found: ReadonlyArray<Prometheus.Found>) =>
  String(found.map(({ labels }) => labels["queue_name"]).toSorted()) === String(queueNames)

const dashboards = globSync("deploy/grafana/*.json", { cwd: root })

describe.concurrent("a Prometheus of its own", () => {
  it.live(
    "Prometheus reads every target, and OpenFaaS's rule gives the depth of a queue, however many workers",
    () =>
      Effect.gen(function* () {
        const { prometheus, gate } = yield* prepare
        yield* prometheus.finds("sum(up)", only(6))
        const depth = 'queue_worker_pending_messages{function_name="slow.openfaas-fn"}'
        yield* prometheus.finds(
          depth,
          (found) => found.length === 2 && found.every(({ value }) => value === 3)
        )
        yield* prometheus.finds('job:function_current_load:sum{scaling_type="queue"}', only(3))
        const [load] = yield* prometheus.query("job:function_current_load:sum")
        expect(load?.labels["function_name"]).toBe("slow.openfaas-fn")
        yield* prometheus.finds("sum(sluice_dead_letters_total)", only(2))
        gate.open()
        yield* prometheus.finds('job:function_current_load:sum{scaling_type="queue"}', only(0))
        yield* prometheus.finds("sum(queue_worker_messages_processed_total)", only(7))

        const labels = yield* prometheus.query('{__name__=~"sluice_.+|queue_worker_.+|gateway_func.+"}')
        const names = new Set(labels.flatMap((found) => Object.keys(found.labels)))
        expect([...names].filter((name) => name.startsWith("otel"))).toEqual([])
      }),
    60_000
  )

  it.live(
    "promtool has nothing to say about the metrics",
    () =>
      Effect.gen(function* () {
        const { gateway, workers, gate, prometheus } = yield* prepare
        gate.open()
        yield* prometheus.finds("sum(queue_worker_messages_processed_total)", only(7))
        for (const { operationsUrl } of [gateway, ...workers.slice(0, 1)]) {
          const text = yield* Scrape.text(operationsUrl)
          expect(yield* Prometheus.complaints(text)).toEqual([])
        }
        expect(yield* Prometheus.complaints("# TYPE bad_total gauge\nbad_total 1\n")).not.toEqual([])
      }),
    60_000
  )

  it.live.skipIf(dashboards.length === 0)(
    "every query of the dashboards shows something, and every number is there for queues in both modes and an idle one",
    () =>
      Effect.gen(function* () {
        const { gate, prometheus } = yield* prepare
        yield* prometheus.finds("sum(sluice_dead_letters_total)", only(2))
        gate.open()
        yield* prometheus.finds("sum(queue_worker_messages_processed_total)", only(7))
        for (const file of dashboards) {
          const { panels }: Dashboard = JSON.parse(readFileSync(join(root, file), "utf8"))
          for (const { targets, type } of panels) {
            for (const { expr } of targets) {
              const query = filledIn(expr)
              expect(query).not.toContain("$")
              // A rate needs two samples.
              yield* prometheus.finds(query, type === "stat" ? ofEveryQueue : (found) => found.length > 0)
            }
          }
        }
      }),
    60_000
  )

  it.live.skipIf(dashboards.length === 0)(
    "the dashboards offer every queue that has a worker, called or not, and every function, in both modes",
    () =>
      Effect.gen(function* () {
        const { gate, prometheus } = yield* prepare
        gate.open()
        yield* prometheus.finds("sum(queue_worker_messages_processed_total)", only(7))
        yield* prometheus.finds("count(queue_worker_messages_submitted_total)", only(4))
        const functions = {
          "faas-request": ["broken", "busy", "quick", "slow"],
          ordered: ["slow"],
          quiet: []
        }
        const asked: Array<string> = []
        for (const file of dashboards) {
          for (const { label, name, series } of variablesOf(
            JSON.parse(readFileSync(join(root, file), "utf8"))
          )) {
            asked.push(name)
            for (const [queue, names] of Object.entries(functions)) {
              const offered = yield* prometheus.labelValues(filledIn(series, queue), label)
              expect(offered, `${file}: ${name} of ${queue}`).toEqual(
                name === "queue_name" ? queueNames : names.map((fn) => `${fn}.openfaas-fn`)
              )
            }
          }
        }
        expect(asked.toSorted()).toEqual(["function_name", "queue_name", "queue_name"])
      }),
    60_000
  )
})
