import { Clock, Effect } from "effect"
import type { Lane } from "../domain/Lane.ts"
import { Backlog } from "../queue/Backlog.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import type { Look } from "./Look.ts"

/** Asking for a function's oldest call costs the server a message: so many are asked for after each discovery. */
const ASKED_AT_ONCE = 10

/**
 * What every worker tells alike of the whole queue, from what discovery has found. A function whose calls are
 * all finished stays at 0 for a while, as an autoscaler wants to see.
 */
export const make = Effect.gen(function* () {
  const metrics = yield* Metrics
  const clock = yield* Clock.Clock
  let submitted = 0
  yield* Effect.acquireRelease(
    Effect.sync(() => metrics.messagesSubmitted.watch(() => submitted)),
    (unwatch) => Effect.sync(unwatch)
  )

  /** when the oldest call of a function was accepted, milliseconds; functions asked longest ago come first */
  const oldest = new Map<string, number>()
  let waiting: ReadonlySet<string> = new Set()

  const ask = Effect.fnUntraced(function* ({ key, subject }: Lane) {
    const backlog = yield* Backlog
    const acceptedMillis = yield* backlog.oldest(subject)
    oldest.delete(key)
    if (acceptedMillis !== undefined) oldest.set(key, acceptedMillis)
  })

  const askForOldest = Effect.fnUntraced(function* (lanes: ReadonlyMap<string, Lane>) {
    const neverAsked = [...lanes.keys()].filter((key) => !oldest.has(key))
    const asked = [...neverAsked, ...oldest.keys()].slice(0, ASKED_AT_ONCE)
    yield* Effect.forEach(
      asked.flatMap((key) => lanes.get(key) ?? []),
      (lane) => Effect.ignore(ask(lane)),
      { concurrency: "unbounded" }
    )
  })

  const showAges = (keys: Iterable<string>) => {
    const now = clock.currentTimeMillisUnsafe()
    for (const key of keys) {
      const acceptedMillis = oldest.get(key)
      if (acceptedMillis !== undefined) {
        metrics.oldestCallAge.set(Math.max(0, now - acceptedMillis) / 1000, key)
      }
    }
  }

  const gauges = [
    metrics.pendingMessages,
    metrics.oldestCallAge,
    metrics.queueCalls,
    metrics.queueCallsLimit,
    metrics.queueBytes,
    metrics.queueBytesLimit
  ]

  const showQueue = ({ bytes, maxBytes, maxMessages, messages }: Look) => {
    metrics.queueCalls.set(messages)
    metrics.queueBytes.set(bytes)
    if (maxMessages === undefined) metrics.queueCallsLimit.remove()
    else metrics.queueCallsLimit.set(maxMessages)
    if (maxBytes === undefined) metrics.queueBytesLimit.remove()
    else metrics.queueBytesLimit.set(maxBytes)
  }

  return Effect.fnUntraced(function* (look: Look, unfinished: ReadonlyMap<Lane, number>) {
    submitted = look.lastSequence
    for (const gauge of gauges) gauge.showWhile(look.isCurrent)
    showQueue(look)
    const lanes = new Map([...unfinished.keys()].map((lane) => [lane.key, lane]))
    for (const [{ key }, count] of unfinished) metrics.pendingMessages.set(count, key)
    for (const key of waiting) {
      if (lanes.has(key)) continue
      oldest.delete(key)
      metrics.pendingMessages.set(0, key)
      metrics.oldestCallAge.set(0, key)
    }
    waiting = new Set(lanes.keys())
    yield* askForOldest(lanes)
    showAges(lanes.keys())
  })
})
