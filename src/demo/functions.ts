/**
 * The sample functions, a program of its own: `node functions.ts SEED`. Serves `/NAME` on a free port, writes a
 * functions file, reports on stdout, and ends when its stdin does: neither it nor its file can outlive whoever
 * started it, however that one ends.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import type { FunctionsReport } from "./FunctionsReport.ts"
import { functionsFile, sampleFunctions } from "./SampleFunctions.ts"

const SAMPLE_MILLIS = 100

const seed = Number(process.argv[2])
const functions = new Map(sampleFunctions.map((fn) => [fn.name, fn]))
const attempts = new Map<string, number>()
const running = new Map<string, number>()
const most = new Map<string, number>()

const report = (line: FunctionsReport) => process.stdout.write(`${JSON.stringify(line)}\n`)

const count = (fn: string, change: 1 | -1) => {
  const now = (running.get(fn) ?? 0) + change
  running.set(fn, now)
  most.set(fn, Math.max(now, most.get(fn) ?? 0))
}

const sample = () => {
  report({ _tag: "InFlight", at: Date.now(), counts: Object.fromEntries(most) })
  for (const [fn, now] of running) most.set(fn, now)
}

const server = createServer(async (request, response) => {
  const name = /^\/([^/?]+)/.exec(request.url ?? "")?.[1] ?? ""
  const fn = functions.get(name)
  if (fn === undefined) return void response.writeHead(404).end()
  count(name, 1)
  try {
    const body = Buffer.concat(await Array.fromAsync(request))
    const call = String(request.headers["x-call-id"])
    const number = (attempts.get(call) ?? 0) + 1
    attempts.set(call, number)
    report({ _tag: "Attempt", call, fn: name })
    const { afterMillis, headers, status } = fn.answer({ seed, call, number })
    if (afterMillis > 0) await pause(afterMillis)
    response.writeHead(status, headers).end(body)
  } catch {
    // The caller went away while it sent: nobody is left to be answered.
    response.destroy()
  } finally {
    // When the answer leaves and not when it has arrived: the worker may send the next one at once.
    count(name, -1)
  }
})

server.listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const directory = mkdtempSync(join(tmpdir(), "sluice-demo-"))
  const end = () => {
    rmSync(directory, { recursive: true, force: true })
    process.exit(0)
  }
  process.stdout.on("error", end)
  process.stdin.on("end", end).resume()
  process.on("SIGTERM", end)

  const file = join(directory, "functions.yaml")
  writeFileSync(file, functionsFile(url))
  report({ _tag: "Listening", url, file })
  setInterval(sample, SAMPLE_MILLIS)
})
