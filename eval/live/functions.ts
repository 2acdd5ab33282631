/**
 * Plays a function and the OpenFaaS gateway in front of it: `node functions.ts SCENARIO` (JSON), as a child process
 * with an IPC channel. Replicas with `max_inflight` behind a balancer, an autoscaler in capacity mode, and of the
 * gateway's API `/function/NAME` and `/system/function/NAME`. It ends with its parent.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import { autoscale } from "./Autoscaler.ts"
import type { Journal, Message } from "./Journal.ts"
import { Replicas } from "./Replicas.ts"
import { fails, type Scenario } from "./Scenario.ts"

/** A watchdog's 429 takes so long, give or take 30 %. */
const REJECTION_MILLIS = 3
const PROGRESS_MILLIS = 100

const scenario = JSON.parse(process.argv[2] ?? "") as Scenario
const journal: Journal = { running: [], rejected: [], answered: [], replicas: [], worst: 0 }
const replicas = new Replicas(scenario.slots, journal)
const finished = new Set<string>()
const failed = new Set<string>()
for (let count = scenario.autoscaler.fewest; count > 0; count--) replicas.add()

/** The autoscaler's clock starts with the first call, so that every run meets it in the same phase. */
let scaling = false

const call = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  if (!scaling) autoscale(replicas, scenario.autoscaler)
  scaling = true
  const id = String(request.headers["x-call-id"])
  const replica = replicas.take()
  if (replica === undefined) {
    journal.rejected.push(Date.now())
    await pause(REJECTION_MILLIS * (0.7 + 0.6 * Math.random()))
    response.writeHead(429, { "X-OpenFaaS-Internal": "faas-middleware" }).end("max_inflight reached\n")
    return
  }
  await pause(scenario.work * 1000)
  // Before the answer leaves: whoever gets it may send the next call at once.
  replicas.release(replica)
  const fail = fails(Number(id.split("-")[1]), scenario) && !failed.has(id)
  ;(fail ? failed : finished).add(id)
  const status = fail ? 500 : 200
  journal.answered.push({ at: Date.now(), call: id, status })
  response.writeHead(status).end()
}

const describe = (name: string, response: ServerResponse): void => {
  const status = {
    name,
    namespace: "openfaas-fn",
    image: "sleep",
    replicas: replicas.count,
    availableReplicas: replicas.count,
    invocationCount: 0,
    labels: {
      "com.openfaas.scale.type": "capacity",
      "com.openfaas.scale.min": String(scenario.autoscaler.fewest),
      "com.openfaas.scale.max": String(scenario.autoscaler.most),
      "com.openfaas.scale.target": String(scenario.autoscaler.target),
      "com.openfaas.scale.target-proportion": String(scenario.autoscaler.proportion)
    },
    annotations: {},
    envVars: { max_inflight: String(scenario.slots) }
  }
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(status))
}

const say = (message: Message) => process.send?.(message)

const server = createServer((request, response) => {
  request.resume()
  const [, kind, name = ""] = /^\/(function|system\/function)\/([^/?]+)/.exec(request.url ?? "") ?? []
  if (kind === "function") void call(request, response)
  else if (kind === "system/function") describe(name, response)
  else response.writeHead(404).end()
})

server.listen(0, "127.0.0.1", () => {
  say({ _tag: "Listening", port: (server.address() as AddressInfo).port })
  setInterval(
    () =>
      say({
        _tag: "Progress",
        finished: finished.size,
        running: replicas.running,
        replicas: replicas.count,
        rejected: journal.rejected.length
      }),
    PROGRESS_MILLIS
  )
})

process.on("message", () => say({ _tag: "Journal", journal }))
process.on("disconnect", () => process.exit())
