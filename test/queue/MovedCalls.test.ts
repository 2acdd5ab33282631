import { expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Result } from "effect"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import { MovedCalls } from "../../src/queue/MovedCalls.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { WakeUps } from "../../src/queue/WakeUps.ts"
import { fakeDelivery } from "../support/FakeDelivery.ts"
import { startNats } from "../support/NatsServers.ts"
import { natsClient } from "../support/Sluice.ts"

const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", "q"))
const fn = { name: "echo", namespace: "fns" }
const maxPayload = 64 * 1024

it.live(
  "a call moves once, whatever its size, and not at all when there is no room or its stream is gone",
  () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ config: `max_payload: ${maxPayload}` })
      const { manager } = yield* natsClient(url)
      const context = yield* Layer.build(
        MovedCalls.layer(subjects).pipe(
          Layer.provide(WakeUps.layer),
          Layer.provideMerge(QueueStream.layer({ queue: "q", storage: "memory", replicas: 1 })),
          Layer.provide(Nats.layer({ url, name: "test" })),
          Layer.provide(QueueHealth.layer)
        )
      )
      const { move } = Context.get(context, MovedCalls)
      const streamCreated = Context.get(context, QueueStream).created()
      const deliver = (streamSequence: number, data: Uint8Array, created = streamCreated) =>
        fakeDelivery({ streamSequence, subject: "q", streamCreated: created, data })
      const stored = Effect.promise(async () => {
        const { state } = await manager.streams.info("OF_q", { subjects_filter: ">" })
        return state.subjects ?? {}
      })
      const call = Buffer.from("{}")

      expect(yield* move(fn, deliver(1, call), undefined)).toBe(true)
      yield* move(fn, deliver(1, call), undefined)
      expect(yield* stored).toEqual({ "q.echo.fns": 1 })
      // There is room for the call, but not for its id beside it.
      yield* move(fn, deliver(2, Buffer.alloc(maxPayload)), undefined)
      expect(yield* stored).toEqual({ "q.echo.fns": 2 })
      yield* move(fn, deliver(3, call, "2020-01-01T00:00:00Z"), undefined)
      expect(yield* stored).toEqual({ "q.echo.fns": 2 })

      yield* Effect.promise(() => manager.streams.update("OF_q", { max_msgs: 2 }))
      expect(yield* move(fn, deliver(4, call), undefined)).toBe(false)
      expect(yield* stored).toEqual({ "q.echo.fns": 2 })
      yield* Effect.promise(() => manager.streams.delete("OF_q"))
      expect((yield* Effect.flip(move(fn, deliver(5, call), undefined))).detail).toContain(
        "OF_q did not take a call from its bare subject: "
      )
    })
)
