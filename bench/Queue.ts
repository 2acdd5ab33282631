import { jetstream, jetstreamManager, type StreamConfig } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Result, Schedule } from "effect"
import * as Call from "../src/domain/Call.ts"
import type { HeaderMap } from "../src/domain/Headers.ts"
import * as StreamRules from "../src/domain/StreamRules.ts"
import * as SubjectTemplate from "../src/domain/SubjectTemplate.ts"
import { BenchError } from "./BenchError.ts"

const publishedAtOnce = 1_000

/** A call as the gateway stores it, about 300 bytes. */
const message = (queueName: string, header: HeaderMap): Uint8Array =>
  Call.encode({
    method: "POST",
    function: "instant",
    header: {
      "Content-Type": ["application/json"],
      "User-Agent": ["curl/8.5.0"],
      "X-Call-Id": [crypto.randomUUID()],
      "X-Start-Time": [String(BigInt(Date.now()) * 1_000_000n)],
      ...header
    },
    host: "",
    body: Buffer.from(JSON.stringify({ order: 4711, customer: "c-1029", items: ["a", "b"], rush: true })),
    path: "",
    queryString: "",
    queueName,
    annotations: {},
    labels: {},
    environment: {},
    callbackUrl: undefined,
    unknown: {}
  })

export const messageBytes = message("bench", {}).length

/** A queue for contestants to serve, on a connection of the bench's own. */
export const make = Effect.fnUntraced(function* (url: string, queueName: string) {
  const streamName = `OF_${queueName}`
  const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", queueName))
  const subject = subjects.subject({ name: "instant", namespace: "openfaas-fn" })
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: url })),
    (connection) => Effect.promise(() => connection.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  const client = jetstream(connection)
  const wanted = StreamRules.queueStream(queueName, { storage: "file", replicas: 1 })

  const unfinished = Effect.promise(async () => (await manager.streams.info(streamName)).state.messages)
  return {
    queueName,
    streamName,
    serverVersion: connection.info?.version ?? "",
    /** A new, empty stream, with the settings Sluice gives it; without consumers. */
    recreate: Effect.promise(async () => {
      await manager.streams.delete(streamName).catch(() => false)
      await manager.streams.add(wanted as Partial<StreamConfig> & { name: string })
    }),
    /** Stores so many calls, with these headers too. */
    fill: (calls: number, header: HeaderMap = {}) =>
      Effect.promise(async () => {
        for (let left = calls; left > 0; left -= publishedAtOnce) {
          const batch = Array.from({ length: Math.min(left, publishedAtOnce) }, () =>
            message(queueName, header)
          )
          await Promise.all(batch.map((data) => client.publish(subject, data)))
        }
      }),
    /** Listens from now on; gives the wait for the next request for calls. */
    nextPull: Effect.promise(async () => {
      const next = Promise.withResolvers<void>()
      const callback = () => next.resolve()
      connection.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${streamName}.>`, { max: 1, callback })
      await connection.flush()
      return Effect.promise(() => next.promise)
    }),
    /** Waits until every call is acknowledged. */
    emptied: Effect.flatMap(unfinished, (left) =>
      left === 0
        ? Effect.void
        : Effect.fail(new BenchError({ message: `${left} calls were not acknowledged in time` }))
    ).pipe(Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500 }))
  }
})
