import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { vi } from "vitest"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { type Environment, post, spawnProgram, startGateway } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 180_000 })

const WORKERS = 3
/** Calls that are accepted and not finished, all the time. */
const OUTSTANDING = 30
/** The function always works on so many calls at least: more than two workers' slots would stop it. */
const HELD = 6

/** Every fifth call fails when it is tried first. */
const fails = (id: string) => id.endsWith("5")

const idOf = (request: HttpFunction.ReceivedRequest) => request.header("X-Call-Id") ?? ""

const counts = (requests: ReadonlyArray<HttpFunction.ReceivedRequest>) => {
  const counts = new Map<string, number>()
  for (const request of requests) counts.set(idOf(request), (counts.get(idOf(request)) ?? 0) + 1)
  return counts
}

/** Restarts three workers, one after the other, while calls come and run; ends when all calls are finished. */
const restartAll = Effect.fnUntraced(function* (bin: string, more: Environment) {
  const nats = yield* startNats({ bin })
  const gate = new Gate()
  const seen = new Set<string>()
  const fn = yield* HttpFunction.start({
    answer: async (request, response) => {
      const failsNow = fails(idOf(request)) && !seen.has(idOf(request))
      const passes = gate.pass()
      // Who comes lets the oldest go.
      if (gate.held > HELD) gate.release(1)
      await passes
      // Only who is still there has been told.
      if (failsNow && !response.destroyed) seen.add(idOf(request))
      response.writeHead(failsNow ? 500 : 200).end()
    }
  })
  const receiver = yield* HttpFunction.start()
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, max_inflight: "5", ...more }
  const gateway = yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  const records: Array<{ readonly attempts: number; readonly unfinished: number }> = []
  stranger.connection.subscribe("$KV.OF_faas-request_attempts.>", {
    callback: (_, message) => void records.push(JSON.parse(message.string()))
  })

  let accepted = 0
  const submit = Effect.suspend(() =>
    post(`${gateway.url}/async-function/f`, {
      headers: { "X-Callback-Url": receiver.url, "X-Call-Id": `call-${++accepted}` }
    })
  )
  const workers: Array<Effect.Success<ReturnType<typeof spawnProgram>>> = []
  const spawn = Effect.gen(function* () {
    const worker = yield* spawnProgram(["worker"], environment)
    yield* worker.log.line("connected to NATS")
    return worker
  })
  for (let n = 0; n < WORKERS; n++) workers.push(yield* spawn)
  yield* Effect.replicateEffect(submit, OUTSTANDING, { concurrency: 10, discard: true })
  const load = yield* Effect.forkChild(
    Effect.forever(
      Effect.andThen(
        Effect.suspend(() => receiver.received(accepted - OUTSTANDING)),
        submit
      )
    )
  )

  for (const old of workers) {
    // Under load again.
    yield* fn.received(fn.requests.length + OUTSTANDING)
    expect(yield* old.end("SIGTERM")).toBe(0)
    workers.push(yield* spawn)
    if (workers.length === 2 * WORKERS) break
  }
  yield* fn.received(fn.requests.length + OUTSTANDING)
  yield* Fiber.interrupt(load)
  gate.open()
  yield* eventually("all results have come", () => receiver.requests.length >= accepted)
  yield* stranger.allFinished

  const ids = Array.from({ length: accepted }, (_, index) => `call-${index + 1}`)
  expect(counts(receiver.requests)).toEqual(new Map(ids.map((id) => [id, 1])))
  expect(yield* stranger.deadLetters).toEqual([])
  return { fn, ids, records }
})

describe.each(servers)("three workers under load are restarted one after the other, on $name", ({ bin }) => {
  it.live("and running calls may end: none is lost, executed twice, blamed or a dead letter", () =>
    Effect.gen(function* () {
      const { fn, ids, records } = yield* restartAll(bin, { shutdown_grace: "60s", ack_wait: "60s" })
      expect(fn.requests.filter(({ answered }) => !answered)).toEqual([])
      expect(counts(fn.requests)).toEqual(new Map(ids.map((id) => [id, fails(id) ? 2 : 1])))
      expect(records.filter(({ attempts, unfinished }) => attempts !== 1 || unfinished > 0)).toEqual([])
    })
  )

  it.live(
    "and running calls are broken off: none is lost, blamed, a dead letter or short of an attempt",
    () =>
      Effect.gen(function* () {
        const { fn, ids, records } = yield* restartAll(bin, { shutdown_grace: "0s", ack_wait: "60s" })
        const [cut, answered] = [false, true].map((is) =>
          fn.requests.filter(({ answered }) => answered === is)
        )
        expect(counts(answered ?? [])).toEqual(new Map(ids.map((id) => [id, fails(id) ? 2 : 1])))
        expect(Math.max(0, ...counts(cut ?? []).values())).toBeLessThanOrEqual(WORKERS)
        expect(records.length).toBeGreaterThan(0)
        expect(records.filter(({ attempts, unfinished }) => attempts > 1 || unfinished > 0)).toEqual([])
      })
  )
})
