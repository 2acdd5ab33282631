import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import * as FunctionsYaml from "../support/FunctionsYaml.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import * as Scrape from "../support/Scrape.ts"
import { post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const EACH = 12
const WORKERS = 2
/** of the slow function, in each worker */
const RUNNING = 3

const sum = (counts: ReadonlyArray<number>) => counts.reduce((total, count) => total + count, 0)

/** Calls that a worker keeps until their functions have room. */
const heldBy = (operationsUrl: string) =>
  Effect.map(Scrape.text(operationsUrl), (text) =>
    sum(
      Scrape.parse(text)
        .filter(({ name }) => name === "sluice_calls_held")
        .map(({ value }) => value)
    )
  )

it.live(
  "at a quiet moment accepted = waiting + running + held + delayed + done + dead, each counted where it is",
  () =>
    Effect.gen(function* () {
      const nats = yield* startNats()
      const gate = new Gate()
      const fn = yield* HttpFunction.start({
        answer: async ({ url }, response) => {
          if (url === "/slow/") await gate.pass()
          const status = { "/full/": 429, "/failing/": 500, "/broken/": 500 }[url] ?? 200
          response.writeHead(status).end()
        }
      })
      const functions = yield* FunctionsYaml.write([
        { name: "fine", url: `${fn.url}/fine` },
        { name: "slow", url: `${fn.url}/slow`, limit: RUNNING },
        { name: "full", url: `${fn.url}/full` },
        { name: "failing", url: `${fn.url}/failing` },
        { name: "broken", url: `${fn.url}/broken`, annotations: { "com.openfaas.retry.attempts": "0" } }
      ])
      const environment = {
        NATS_URL: nats.url,
        functions_file: functions.path,
        limiter_enabled: "true",
        initial_retry_wait: "1h",
        max_retry_wait: "1h"
      }
      const stranger = yield* Stranger.meet(nats.url)
      const gateway = yield* startGateway(environment)
      const workers = yield* Effect.replicateEffect(startWorker(environment), WORKERS)
      let accepted = 0
      yield* Effect.forEach(
        ["fine", "slow", "full", "failing", "broken"].flatMap((name) => Array<string>(EACH).fill(name)),
        (name) =>
          Effect.map(post(`${gateway.url}/async-function/${name}`), ({ status }) => {
            if (status === 202) accepted++
          }),
        { concurrency: 10 }
      )

      const account = Effect.gen(function* () {
        const consumers = yield* QueueState.consumers(stranger)
        const records = yield* stranger.attemptRecords
        return {
          waiting: sum(consumers.map(({ num_pending }) => num_pending)),
          running: fn.inFlight(),
          held: sum(yield* Effect.forEach(workers, ({ operationsUrl }) => heldBy(operationsUrl))),
          delayed: records.filter(({ notBefore }) => notBefore > Date.now()).length,
          done: fn.requests.filter(({ url, answered }) => answered && /^\/(fine|slow)/.test(url)).length,
          dead: (yield* stranger.deadLetters).length,
          unsettled: sum(consumers.map(({ num_ack_pending }) => num_ack_pending))
        }
      })
      /** Waits until the counts are these, and for the law at that moment. */
      const quiet = (counts: Readonly<Record<string, number>>) =>
        eventually(
          `the account is ${JSON.stringify(counts)}`,
          Effect.map(account, (found) => {
            expect(found).toMatchObject(counts)
            const { waiting, running, held, delayed, done, dead, unsettled } = found
            expect(waiting + running + held + delayed + done + dead).toBe(accepted)
            expect(unsettled).toBe(running + held + delayed)
            expect(held).toBeGreaterThan(0)
          })
        )

      expect(accepted).toBe(5 * EACH)
      yield* quiet({ running: WORKERS * RUNNING, delayed: EACH, done: EACH, dead: EACH })
      gate.open()
      yield* quiet({ running: 0, delayed: EACH, done: 2 * EACH, dead: EACH })
    })
)
