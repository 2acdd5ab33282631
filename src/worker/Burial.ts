import { Clock, Effect } from "effect"
import * as DeadLetter from "../domain/DeadLetter.ts"
import type * as Excerpt from "../domain/Excerpt.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import type { DeadReason } from "../domain/Verdict.ts"
import { DeadLetters } from "../queue/DeadLetters.ts"
import type { Delivery } from "../queue/Delivery.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import type { Persist } from "./Persistence.ts"

/** What a dead letter says of a delivery that is given up. */
export interface Epitaph {
  /** the call, or only its callback */
  readonly what: "dead" | "callback"
  /** the message is a stored callback and not a call */
  readonly kind?: "callback"
  readonly fn: FunctionName.FunctionName
  readonly callId: string | undefined
  readonly reason: DeadReason
  readonly detail: string
  readonly attempts: number
  readonly lastStatus: number | undefined
  /** what the function said last */
  readonly answer: Excerpt.Excerpt | undefined
  readonly acceptedMillis: number
}

/** Stores dead letters of the stream that is served; done means confirmed. The delivery is settled by others. */
export const make = Effect.gen(function* () {
  const deadLetters = yield* DeadLetters
  const stream = yield* QueueStream
  const clock = yield* Clock.Clock
  const metrics = yield* Metrics

  return Effect.fnUntraced(function* (delivery: Delivery, epitaph: Epitaph, persist: Persist) {
    const { streamCreated, streamSequence: sequence } = delivery
    const headers = DeadLetter.headers({
      ...epitaph,
      functionName: FunctionName.key(epitaph.fn),
      subject: delivery.subject,
      stream: stream.name,
      streamCreated,
      sequence,
      deadMillis: clock.currentTimeMillisUnsafe()
    })
    const id = DeadLetter.id(streamCreated, sequence, epitaph.what)
    yield* persist(deadLetters.store({ fn: epitaph.fn, id, message: delivery.data, headers }))
    metrics.deadLetters.count(epitaph.reason)
  })
})
