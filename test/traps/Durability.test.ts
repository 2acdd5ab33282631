import { describe, expect, it } from "@effect/vitest"
import { DiscardPolicy, PersistMode, RetentionPolicy } from "@nats-io/jetstream"
import { Effect } from "effect"
import { servers, startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import { type LogBook, natsClient, startBoth, startGateway, startWorker } from "../support/Sluice.ts"

const told = (log: LogBook) => log.with("keeps calls in").map(({ level, message }) => [level, message])

interface Readiness {
  readonly checks: ReadonlyArray<{ readonly name: string; readonly ok: boolean; readonly detail: string }>
}

const readyz = (operationsUrl: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${operationsUrl}/readyz`)
    return { status: response.status, body: (await response.json()) as Readiness }
  })

const durabilityOf = Effect.fnUntraced(function* (operationsUrl: string) {
  const { body, status } = yield* readyz(operationsUrl)
  expect(status).toBe(200)
  return body.checks.find(({ name }) => name === "durability")
})

describe.each(servers)("on $name", ({ bin }) => {
  it.live("gateway and worker warn of one server in one line, and /readyz says it", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const detail =
        /files on 1 server, .*sync_interval.*unknown here, by default every 2m\); a power cut can lose confirmed calls/
      for (const start of [startGateway, startWorker]) {
        const { log, operationsUrl } = yield* start({ NATS_URL: nats.url })
        expect(told(log)).toEqual([["Warn", expect.stringMatching(detail)]])
        expect(yield* durabilityOf(operationsUrl)).toEqual({
          name: "durability",
          ok: true,
          detail: expect.stringMatching(detail)
        })
      }
    })
  )
})

it.live("calls that were meant to be in memory are told of without a warning", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const { log, operationsUrl } = yield* startBoth({ NATS_URL: nats.url })
    const detail = "memory of 1 server; a restart of nats-server loses every call: use file storage"
    expect(told(log)).toEqual([["Info", `stream OF_faas-request keeps calls in ${detail}`]])
    expect(yield* durabilityOf(operationsUrl)).toMatchObject({ detail })
  })
)

it.live("a stream that confirms before it writes is told of, where servers know that mode", () =>
  Effect.gen(function* () {
    const nats = yield* startNats({ bin: servers.at(-1)?.bin })
    const { manager } = yield* natsClient(nats.url)
    const made = yield* Effect.promise(() =>
      manager.streams.add({
        name: QueueState.streamName,
        subjects: ["faas-request", "faas-request.>"],
        retention: RetentionPolicy.Workqueue,
        discard: DiscardPolicy.New,
        persist_mode: PersistMode.Async
      })
    )
    const { log } = yield* startWorker({ NATS_URL: nats.url })
    const said = made.config.persist_mode === "async" ? /after the confirmation/ : /unknown here/
    expect(told(log)).toEqual([["Warn", expect.stringMatching(said)]])
  })
)
