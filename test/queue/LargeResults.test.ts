import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { LargeResults } from "../../src/queue/LargeResults.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { natsClient } from "../support/Sluice.ts"

const prepare = Effect.fnUntraced(function* (bin: string, maxBytes?: number) {
  const nats = yield* startNats({ bin })
  const { manager } = yield* natsClient(nats.url)
  const context = yield* Layer.build(
    LargeResults.layer({
      queue: "q",
      storage: "memory",
      replicas: 1,
      maxAgeMillis: 3_600_000,
      maxBytes
    }).pipe(Layer.provide(Nats.once({ url: nats.url, name: "test" })))
  )
  return { results: Context.get(context, LargeResults), manager }
})

const large = Buffer.alloc(300_000, "result")

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a large result comes back whole until it is removed", () =>
    Effect.gen(function* () {
      const { results, manager } = yield* prepare(bin)
      // Before the first one there is no bucket.
      expect(yield* results.get("none")).toBeUndefined()
      yield* results.remove("none")
      yield* results.put("one", large)
      expect(Buffer.from((yield* results.get("one")) ?? []).equals(large)).toBe(true)
      expect(yield* results.get("none")).toBeUndefined()
      const { config } = yield* Effect.promise(() => manager.streams.info("OBJ_OF_q_results"))
      expect(config).toMatchObject({ storage: "memory", max_age: 3600e9, max_bytes: -1 })
      yield* results.remove("one")
      expect(yield* results.get("one")).toBeUndefined()
    })
  )

  it.live("one for which there is no room is refused in words that name the store", () =>
    Effect.gen(function* () {
      const { results } = yield* prepare(bin, 1_000)
      const { detail } = yield* Effect.flip(results.put("one", large))
      expect(detail).toMatch(/^the object store OF_q_results did not do it: /)
    })
  )
})
