import { describe, expect, it } from "@effect/vitest"
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream"
import { Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import { natsClient, post, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"

/** A server with the queue's stream as its operator made it. */
const startWith = Effect.fnUntraced(function* (config: Partial<StreamConfig>, bin = servers[0]?.bin) {
  const nats = yield* startNats({ bin })
  const client = yield* natsClient(nats.url)
  const subjects = ["faas-request", "faas-request.>", "more"]
  yield* Effect.promise(() =>
    client.manager.streams.add({ name: QueueState.streamName, subjects, ...config })
  )
  return { ...client, url: nats.url }
})

describe("a stream that exists with settings that lose calls", () => {
  it.live.each(["gateway", "worker", "start"])(
    "stops sluice %s with one message that says which",
    (program) =>
      Effect.gen(function* () {
        const nats = yield* startWith({
          subjects: ["faas-request.*"],
          retention: RetentionPolicy.Limits,
          discard: DiscardPolicy.Old,
          max_msgs: 1000,
          max_age: 3600e9,
          no_ack: true
        })
        const { exit, log } = yield* spawnProgram([program], { NATS_URL: nats.url })
        expect(yield* exit).toBe(2)
        // What is for people is not JSON.
        expect(log.lines.filter(({ level }) => level === "").map(({ message }) => message)).toEqual([
          "sluice: stream OF_faas-request exists with settings that would lose calls:",
          expect.stringContaining('retention is "limits"'),
          expect.stringContaining(
            "subjects are [faas-request.*], must contain [faas-request, faas-request.>]"
          ),
          expect.stringContaining("max_age is 3600s"),
          expect.stringContaining("no_ack is on"),
          expect.stringContaining('discard is "old" with max_msgs set'),
          expect.stringMatching(/^Change it \(nats stream edit OF_faas-request\)/)
        ])
        expect(log.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([])
      })
  )
})

describe.concurrent.each(servers)("on $name, a stream that exists", ({ bin }) => {
  it.live("with a limit that drops a function's oldest calls stops the program", () =>
    Effect.gen(function* () {
      const { url } = yield* startWith(
        {
          retention: RetentionPolicy.Workqueue,
          discard: DiscardPolicy.New,
          max_msgs_per_subject: 2
        },
        bin
      )
      const error = yield* Effect.flip(startWorker({ NATS_URL: url }))
      expect(error.message).toContain("max_msgs_per_subject is 2 without discard_new_per_subject")
    })
  )

  it.live("with harmless differences is used, with a warning for each", () =>
    Effect.gen(function* () {
      const { url, ...client } = yield* startWith(
        {
          retention: RetentionPolicy.Workqueue,
          discard: DiscardPolicy.New,
          discard_new_per_subject: true,
          max_msgs_per_subject: 10,
          storage: StorageType.Memory
        },
        bin
      )
      const fn = yield* HttpFunction.start()
      const environment = { NATS_URL: url, function_url: `${fn.url}/{name}` }
      const gateway = yield* startGateway(environment)
      const worker = yield* startWorker(environment)
      for (const { log } of [gateway, worker]) {
        expect(log.lines.filter(({ level }) => level === "Warn").map(({ message }) => message)).toEqual([
          expect.stringMatching(/^stream OF_faas-request: max_msgs_per_subject is 10/),
          expect.stringMatching(/^stream OF_faas-request: storage is memory/),
          expect.stringMatching(/^stream OF_faas-request keeps calls in memory of 1 server; a restart/)
        ])
      }
      yield* post(`${gateway.url}/async-function/f`)
      yield* fn.received(1)
      yield* QueueState.isEmpty(client)
    })
  )
})
