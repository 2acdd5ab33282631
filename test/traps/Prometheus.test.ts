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
 * A queue with calls in every state, another one in static mode with a call that runs, a Prometheus that scrapes all
 * of it, and a provider's gateway beside it.
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
      max_bytes: 10_000_000
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
      "sluice-worker": [...workers, ordered].map(({ operationsUrl }) => address(operationsUrl)),
      provider: [address(provider.url)]
    },
    ruleFiles: [ruleFile]
  })
  return { prometheus, gate, gateway, workers, call }
})

const only = (value: number) => (found: ReadonlyArray<Prometheus.Found>) =>
  found.length === 1 && found[0]?.value === value

/** The queries of a dashboard, with the queue and a function of it for Grafana's variables. */
const queriesOf = (dashboard: unknown): ReadonlyArray<string> => {
  const found: Array<string> = []
  JSON.stringify(dashboard, (key, value) => {
    if (key === "expr" && typeof value === "string") found.push(value)
    return value
  })
  return found.map((query) =>
    query
      .replaceAll('=~"$queue_name"', '=~".+"')
      .replaceAll("$queue_name", "faas-request")
      .replaceAll("$function_name", "busy.openfaas-fn")
  )
}

const dashboards = globSync("deploy/grafana/*.json", { cwd: root })

describe.concurrent("a Prometheus of its own", () => {
  it.live(
    "Prometheus reads every target, and OpenFaaS's rule gives the depth of a queue, however many workers",
    () =>
      Effect.gen(function* () {
        const { prometheus, gate } = yield* prepare
        yield* prometheus.finds("sum(up)", only(5))
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
    "every query of the dashboards shows something, of queues in both modes",
    () =>
      Effect.gen(function* () {
        const { gate, prometheus } = yield* prepare
        yield* prometheus.finds("sum(sluice_dead_letters_total)", only(2))
        gate.open()
        yield* prometheus.finds("sum(queue_worker_messages_processed_total)", only(7))
        for (const file of dashboards) {
          const queries = queriesOf(JSON.parse(readFileSync(join(root, file), "utf8")))
          expect(queries.filter((query) => query.includes("$"))).toEqual([])
          for (const query of queries) {
            // A rate needs two samples.
            const found = yield* prometheus.finds(query, (found) => found.length > 0)
            const queues = new Set(found.flatMap(({ labels }) => labels["queue_name"] ?? []))
            if (query.includes("queue_worker_pending_messages") && query.startsWith("sum by (queue_name)")) {
              expect([...queues].toSorted(), query).toEqual(["faas-request", "ordered"])
            }
          }
        }
      }),
    60_000
  )
})
