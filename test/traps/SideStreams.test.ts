import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { servers, startNats } from "../support/NatsServers.ts"
import { natsClient, startWorker } from "../support/Sluice.ts"

/** A cluster that lacks a server makes no streams: what a fault will need is there before it. */
describe.each(servers)("on $name", ({ bin }) => {
  it.live("a worker that is ready has made every stream that settling a call needs", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin })
      yield* startWorker({ NATS_URL: url })
      const { manager } = yield* natsClient(url)
      const names = yield* Effect.promise(() => Array.fromAsync(manager.streams.names()))
      expect(names.toSorted()).toEqual([
        "KV_OF_faas-request_attempts",
        "KV_OF_faas-request_callbacks_attempts",
        "OF_faas-request",
        "OF_faas-request_callbacks",
        "OF_faas-request_dead"
      ])
    })
  )
})
