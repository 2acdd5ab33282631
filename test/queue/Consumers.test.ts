import { describe, expect, it } from "@effect/vitest"
import type { StreamConfig } from "@nats-io/jetstream"
import { Effect, Layer, Result } from "effect"
import type { Lane } from "../../src/domain/Lane.ts"
import * as FunctionLane from "../../src/domain/FunctionLane.ts"
import * as LegacyLane from "../../src/domain/LegacyLane.ts"
import * as SharedLane from "../../src/domain/SharedLane.ts"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import * as Consumers from "../../src/queue/Consumers.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { LogBook, logger, natsClient } from "../support/Sluice.ts"

const lane: Lane = { key: "echo.fns", subject: "q.echo.fns", consumerName: () => "echo" }

/** A queue's stream, what prepares its consumers, and somebody who makes others there. */
const prepare = Effect.fnUntraced(function* (bin: string, more: Partial<StreamConfig> = {}) {
  const nats = yield* startNats({ bin })
  const { manager } = yield* natsClient(nats.url)
  yield* Effect.promise(() =>
    manager.streams.add({
      name: "OF_q",
      subjects: ["q", "q.>"],
      retention: "workqueue",
      discard: "new",
      storage: "memory",
      ...more
    })
  )
  const layer = QueueStream.layer({ queue: "q", storage: "memory", replicas: 1 }).pipe(
    Layer.provideMerge(Nats.layer({ url: nats.url, name: "test" })),
    Layer.provide(QueueHealth.layer)
  )
  const context = yield* Layer.build(layer)
  const { created } = yield* Effect.provide(QueueStream, context)
  const consumers = yield* Consumers.make({ ackWaitMillis: 30_000, inactiveThresholdMillis: 60_000 }).pipe(
    Effect.provide(context)
  )
  const add = (name: string, more: object) =>
    Effect.promise(() =>
      manager.consumers.add("OF_q", { durable_name: name, ack_policy: "explicit", ...more })
    )
  const info = (name: string) => Effect.promise(() => manager.consumers.info("OF_q", name))
  const remove = (name: string) => Effect.promise(() => manager.consumers.delete("OF_q", name))
  return { consumers, created, add, info, remove }
})

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a lane's consumer is made once, and brought up to date later", () =>
    Effect.gen(function* () {
      const { consumers, created, info } = yield* prepare(bin)
      expect(yield* consumers.unfinished("echo")).toBe(0)
      const made = yield* consumers.ensure(lane, created())
      expect(yield* consumers.ensure(lane, created())).toEqual(made)
      expect((yield* info("echo")).config).toMatchObject({
        ack_wait: 30e9,
        max_deliver: -1,
        max_ack_pending: -1
      })
      expect(yield* consumers.unfinished("echo")).toBe(0)
    })
  )

  it.live("that of the bare subject waits for no silent worker until its message ids are forgotten", () =>
    Effect.gen(function* () {
      const { consumers, created, info } = yield* prepare(bin)
      const { name } = yield* consumers.ensure(LegacyLane.of("q"), created())
      expect((yield* info(name)).config.ack_wait).toBe(10e9)
    })
  )

  it.live("a consumer that somebody else has made for the lane is used, with our times", () =>
    Effect.gen(function* () {
      const { consumers, created, add, info } = yield* prepare(bin)
      yield* add("theirs", { filter_subject: lane.subject, ack_wait: 5e9 })
      expect((yield* consumers.ensure(lane, created())).name).toBe("theirs")
      expect((yield* info("theirs")).config.ack_wait).toBe(30e9)
    })
  )

  it.live("one that takes more than the lane is in the way, and is told by its name", () =>
    Effect.gen(function* () {
      const { consumers, created, add } = yield* prepare(bin)
      yield* add("everything", {})
      const { reason, detail } = yield* Effect.flip(consumers.ensure(lane, created()))
      expect(reason).toBe("refused")
      expect(detail).toMatch(/overlaps with everything \(.*\)\. Remove those with nats consumer rm OF_q NAME/)
    })
  )

  it.live("those of the other mode are waited for, which is told once each time", () =>
    Effect.gen(function* () {
      const { consumers, created, remove } = yield* prepare(bin)
      const log = new LogBook()
      const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", "q"))
      const lanes = ["a", "b"].map((name) => FunctionLane.make(subjects, { name, namespace: "fns" }))
      const isRefused = (lane: Lane) =>
        consumers.ensure(lane, created()).pipe(Effect.flip, Effect.provide(logger(log)))
      const shared = SharedLane.of("q")
      for (let times = 1; times <= 2; times++) {
        const { name } = yield* consumers.ensure(shared, created())
        for (const lane of [...lanes, LegacyLane.of("q")]) {
          expect((yield* isRefused(lane)).reason).toBe("unavailable")
        }
        expect(log.with("workers in the other scaling_mode")).toHaveLength(times)
        expect(log.lines.at(-1)?.fields).toMatchObject({ consumers: name })
        yield* remove(name)
        for (const lane of lanes) yield* remove((yield* consumers.ensure(lane, created())).name)
      }
      const [one] = lanes
      if (one !== undefined) yield* consumers.ensure(one, created())
      expect((yield* isRefused(shared)).reason).toBe("unavailable")
    })
  )

  it.live("what an operator's limit on consumers forbids is told", () =>
    Effect.gen(function* () {
      const { consumers, created } = yield* prepare(bin, { max_consumers: 1 })
      yield* consumers.ensure({ key: "q", subject: "q", consumerName: () => "bare" }, created())
      const error = yield* Effect.flip(consumers.ensure(lane, created()))
      expect(error).toMatchObject({ reason: "refused", detail: "maximum consumers limit reached" })
    })
  )

  it.live("none is made for a stream that was made again", () =>
    Effect.gen(function* () {
      const { consumers } = yield* prepare(bin)
      const error = yield* Effect.flip(consumers.ensure(lane, "2020-01-01T00:00:00Z"))
      expect(error.reason).toBe("stream-gone")
    })
  )
})
