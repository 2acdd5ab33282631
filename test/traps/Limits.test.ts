import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { eventually } from "../support/Eventually.ts"
import * as FunctionsYaml from "../support/FunctionsYaml.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as PullAccount from "../support/PullAccount.ts"
import { startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

/** A function, and how many of its calls may run at once; undefined: as many as the worker has slots. */
interface Limited {
  readonly name: string
  readonly limit: number | undefined
}

/** A queue, a function server that holds what comes until the gate opens, and somebody who keeps the account. */
const prepare = Effect.fnUntraced(function* (
  bin: string,
  functions: ReadonlyArray<Limited>,
  maxInflight: number
) {
  const nats = yield* startNats({ bin })
  const gate = new Gate()
  /** bodies of the calls whose first attempt fails */
  const failing = new Set<string>()
  const server = yield* HttpFunction.start({
    answer: async (request, response) => {
      const fails = failing.delete(request.body.toString())
      await gate.pass()
      response.writeHead(fails ? 500 : 200).end()
    }
  })
  const entries = (functions: ReadonlyArray<Limited>) =>
    functions.map(({ name, limit }) => ({ name, url: `${server.url}/${name}`, limit }))
  const functionsFile = yield* FunctionsYaml.write(entries(functions))
  const environment = {
    NATS_URL: nats.url,
    functions_file: functionsFile.path,
    max_inflight: String(maxInflight)
  }
  // It makes the stream, so that calls can wait before there is a worker.
  yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  const { account, url } = yield* PullAccount.keep(nats.port)
  return {
    gate,
    failing,
    server,
    account,
    setLimits: (functions: ReadonlyArray<Limited>) => functionsFile.rewrite(entries(functions)),
    /** Publishes so many calls; their bodies are "0", "1"... */
    publish: (name: string, calls: number) =>
      Effect.forEach(
        Array.from({ length: calls }, (_, index) => Buffer.from(`${name} ${index}`).toString("base64")),
        (Body) => stranger.publish(name, { Function: name, Method: "POST", Body }),
        { concurrency: 100, discard: true }
      ),
    startWorker: startWorker({ ...environment, NATS_URL: url }),
    /** Waits until every call is finished and nothing is asked for. */
    finished: Effect.andThen(
      stranger.allFinished,
      eventually("nothing is asked for", () => account.now() === 0)
    ),
    expectWithinLimits: () => {
      for (const { name, limit = maxInflight } of functions) {
        expect(server.maxInFlight(`/${name}/`)).toBeLessThanOrEqual(limit)
        expect(account.most(name)).toBeLessThanOrEqual(limit)
      }
      expect(server.maxInFlight()).toBeLessThanOrEqual(maxInflight)
      expect(account.most()).toBeLessThanOrEqual(maxInflight)
    }
  }
})

describe.concurrent.each(servers)("on $name", ({ bin }) => {
  it.live("in a run with 1,000 calls, requests in flight and calls asked for never exceed the limit", () =>
    Effect.gen(function* () {
      const functions = [
        { name: "two", limit: 2 },
        { name: "four", limit: 4 },
        { name: "all", limit: undefined }
      ]
      const run = yield* prepare(bin, functions, 12)
      yield* run.publish("two", 200)
      yield* run.publish("four", 300)
      yield* run.publish("all", 500)
      for (let index = 0; index < 100; index++) run.failing.add(`four ${index}`)
      yield* run.startWorker

      // Until all of them are where they want to be: two at its limit, four at its own, the rest for the third.
      yield* run.server.received(12)
      const inFlight = () => functions.map(({ name }) => run.server.inFlight(`/${name}/`)).join()
      for (let released = 1; inFlight() !== "2,4,6"; released++) {
        expect(released).toBeLessThan(50)
        run.gate.release(1)
        yield* run.server.received(12 + released)
      }
      run.gate.open()
      yield* run.server.ended(1_100)
      yield* run.finished

      run.expectWithinLimits()
      expect([run.account.most("two"), run.account.most("four"), run.account.most()]).toEqual([2, 4, 12])
      expect([run.server.requests.length, run.account.deliveries]).toEqual([1_100, 1_100])
    })
  )

  it.live("whatever the limits are and whatever fails, they are never exceeded", () =>
    Effect.gen(function* () {
      const limit = fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined })
      const scenario = fc.record({
        limits: fc.array(limit, { minLength: 1, maxLength: 4 }),
        maxInflight: fc.integer({ min: 1, max: 12 }),
        failing: fc.uniqueArray(fc.nat(39), { maxLength: 40 })
      })
      const check = Effect.fnUntraced(function* (
        limits: ReadonlyArray<number | undefined>,
        maxInflight: number,
        failing: ReadonlyArray<number>
      ) {
        const functions = limits.map((limit, index) => ({ name: `f${index}`, limit }))
        const run = yield* prepare(bin, functions, maxInflight)
        for (const index of failing) run.failing.add(`f0 ${index}`)
        const executions = functions.length * 40 + failing.length
        run.gate.open()
        yield* run.startWorker
        for (const { name } of functions) yield* run.publish(name, 40)
        yield* run.server.ended(executions)
        yield* run.finished
        run.expectWithinLimits()
        expect(run.account.deliveries).toBe(executions)
      }, Effect.scoped)
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(scenario, ({ limits, maxInflight, failing }) =>
            Effect.runPromise(check(limits, maxInflight, failing))
          ),
          { numRuns: 6 }
        )
      )
    })
  )
})

const withLimit = (limit: number) => [
  { name: "moody", limit },
  { name: "probe", limit: 1 }
]

const most = (asks: ReadonlyArray<PullAccount.Ask>) => Math.max(...asks.map(({ account }) => account))

it.live("a limit that has changed is kept by every request from then on", () =>
  Effect.gen(function* () {
    const run = yield* prepare(servers[0]?.bin ?? "", withLimit(6), 8)
    const asksOfMoody = () => run.account.asks.filter(({ fn }) => fn === "moody")
    yield* run.publish("moody", 60)
    const worker = yield* run.startWorker
    yield* run.server.received(6)

    const asksBefore = asksOfMoody().length
    yield* run.setLimits(withLimit(2))
    yield* worker.log.line("functions_file changed")
    // Found by a look at every function, so moody's actor has looked at its limit too when the probe arrives.
    yield* run.publish("probe", 1)
    yield* run.server.received(7)
    run.gate.release(5)
    yield* run.server.received(8)
    run.gate.release(1)
    yield* run.server.received(9)
    expect(run.server.inFlight("/moody/")).toBe(2)

    const asksShrunk = asksOfMoody().length
    yield* run.setLimits(withLimit(5))
    yield* run.server.received(12)
    expect(run.server.inFlight("/moody/")).toBe(5)
    run.gate.open()
    yield* run.server.ended(61)
    yield* run.finished

    expect(most(asksOfMoody().slice(0, asksBefore))).toBe(6)
    expect(most(asksOfMoody().slice(asksBefore, asksShrunk))).toBe(2)
    expect(most(asksOfMoody().slice(asksShrunk))).toBe(5)
  })
)
