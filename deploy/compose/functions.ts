/** The demo's functions as a container: `/NAME` on port 3000, until SIGTERM. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import { sampleFunctions } from "../../src/demo/SampleFunctions.ts"

const port = Number(process.env["port"] ?? 3000)
const seed = Number(process.env["seed"] ?? 1)
const functions = new Map(sampleFunctions.map((fn) => [fn.name, fn]))
// As many calls as may be tried again at one time; older ones count from the start again.
const remembered = 100_000
const attempts = new Map<string, number>()

const nextAttempt = (call: string): number => {
  const number = (attempts.get(call) ?? 0) + 1
  attempts.delete(call)
  attempts.set(call, number)
  const [oldest] = attempts.keys()
  if (attempts.size > remembered && oldest !== undefined) attempts.delete(oldest)
  return number
}

const server = createServer(async (request, response) => {
  const fn = functions.get(/^\/([^/?]+)/.exec(request.url ?? "")?.[1] ?? "")
  if (fn === undefined) return void response.writeHead(request.url === "/" ? 200 : 404).end()
  try {
    const body = Buffer.concat(await Array.fromAsync(request))
    const call = String(request.headers["x-call-id"])
    const { afterMillis, headers, status } = fn.answer({ seed, call, number: nextAttempt(call) })
    if (afterMillis > 0) await pause(afterMillis)
    response.writeHead(status, headers).end(body)
  } catch {
    // The caller went away while it sent: nobody is left to be answered.
    response.destroy()
  }
})

server.listen(port, () => {
  const { port } = server.address() as AddressInfo
  process.stderr.write(`${JSON.stringify({ level: "info", msg: "listening", port })}\n`)
})
process.on("SIGTERM", () => {
  server.close()
  server.closeIdleConnections()
})
