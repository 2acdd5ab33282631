import { expect, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { describe } from "vitest"
import { DeadLetters } from "../../src/queue/DeadLetters.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { StoredDeadLetters } from "../../src/queue/StoredDeadLetters.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { natsClient } from "../support/Sluice.ts"

const storage = "memory"
const replicas = 1

const queue = (url: string) =>
  QueueStream.layer({
    queue: "q",
    storage,
    replicas
  }).pipe(Layer.provideMerge(Nats.layer({ url, name: "test" })), Layer.provide(QueueHealth.layer))

const deadLetters = (url: string) =>
  Layer.merge(
    DeadLetters.layer({ storage, replicas, maxAgeMillis: 3_600_000, maxBytes: 10_000_000 }),
    StoredDeadLetters.layer
  ).pipe(Layer.provide(queue(url)))

const letter = (callId: number, headers: Record<string, string> = {}) => ({
  fn: { name: "echo", namespace: "fns" },
  id: `dead-${callId}`,
  message: new Uint8Array(10),
  headers: {
    "Sluice-Call-Id": `call-${callId}`,
    "Sluice-Function": "echo.fns",
    "Sluice-Reason": "exhausted",
    "Sluice-Last-Status": "500",
    ...headers
  }
})

describe.each(servers)("on $name", ({ bin }) => {
  it.effect("dead letters are read as they were stored, all of them and oldest first", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin })
      yield* Effect.gen(function* () {
        const { store } = yield* DeadLetters
        const stored = yield* StoredDeadLetters
        expect(yield* stored.all).toEqual([])

        // More than one request of a consumer brings.
        const count = 250
        yield* Effect.forEach(
          Array.from({ length: count }, (_, n) => letter(n)),
          store
        )
        const all = yield* stored.all
        expect(all.map(({ callId }) => callId)).toEqual(Array.from({ length: count }, (_, n) => `call-${n}`))
        expect(all[0]).toMatchObject({
          sequence: 1,
          callId: "call-0",
          functionName: "echo.fns",
          reason: "exhausted",
          lastStatus: 500
        })
        // Reading takes nothing away.
        expect(yield* stored.all).toHaveLength(count)
      }).pipe(Effect.provide(deadLetters(url)))
    })
  )
})

it.effect("a dead letter without call id and status is read without them", () =>
  Effect.gen(function* () {
    const { url } = yield* startNats()
    yield* Effect.gen(function* () {
      const { store } = yield* DeadLetters
      const { "Sluice-Call-Id": _, "Sluice-Last-Status": __, ...headers } = letter(1).headers
      yield* store({ ...letter(1), headers: { ...headers, "Sluice-Reason": "undecodable" } })
      const { all } = yield* StoredDeadLetters
      expect(yield* all).toMatchObject([{ callId: undefined, lastStatus: undefined, reason: "undecodable" }])
    }).pipe(Effect.provide(deadLetters(url)))
  })
)

it.effect("a letter that is gone, or whose place is another's, is not opened and not removed twice", () =>
  Effect.gen(function* () {
    const { url } = yield* startNats()
    const { jetstream, manager } = yield* natsClient(url)
    yield* Effect.gen(function* () {
      const { store } = yield* DeadLetters
      const stored = yield* StoredDeadLetters
      yield* store(letter(1))
      yield* Effect.promise(() => jetstream.publish("q_dead.echo.fns.stranger", "not one of ours"))
      const [ours, strange] = yield* stored.all
      if (ours === undefined || strange === undefined) return yield* Effect.die("there are two letters")
      // What a stranger has put there tells little.
      expect(strange).toMatchObject({ callId: undefined, deadMillis: expect.any(Number), object: undefined })
      expect(Option.isSome(yield* stored.open(ours))).toBe(true)
      expect(Option.isNone(yield* stored.open({ ...ours, subject: strange.subject }))).toBe(true)
      expect(yield* stored.remove(ours)).toBe(true)
      expect(yield* stored.remove(ours)).toBe(false)
      expect(Option.isNone(yield* stored.open(ours))).toBe(true)

      yield* Effect.promise(() => manager.streams.delete("OF_q_dead"))
      expect((yield* Effect.flip(stored.remove(strange))).reason).toBe("stream-gone")
      expect(yield* stored.all).toEqual([])
    }).pipe(Effect.provide(deadLetters(url)))
  })
)

it.effect("whoever may not read dead letters is told so, and not that there are none", () =>
  Effect.gen(function* () {
    const { limitedUrl } = yield* LimitedUser.start({ publish: ["$JS.API.CONSUMER.CREATE.>"] })
    yield* Effect.gen(function* () {
      const { all } = yield* StoredDeadLetters
      expect((yield* Effect.flip(all)).reason).toBe("refused")
    }).pipe(Effect.provide(deadLetters(limitedUrl)))
  })
)
