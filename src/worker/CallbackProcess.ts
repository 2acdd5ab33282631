import { Clock, Effect, Option, Random, Result } from "effect"
import type { CallbackLane } from "../domain/CallbackLane.ts"
import { isEarly } from "../domain/AttemptRecord.ts"
import * as CallbackMessage from "../domain/CallbackMessage.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as Headers from "../domain/Headers.ts"
import type { Kind } from "../domain/limiter/Limiter.ts"
import * as RetryPolicy from "../domain/RetryPolicy.ts"
import type { DeadReason } from "../domain/Verdict.ts"
import type { Delivery } from "../queue/Delivery.ts"
import { Ledger } from "../queue/Ledger.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import * as Span from "../telemetry/Span.ts"
import { Traces } from "../telemetry/Traces.ts"
import { acknowledge } from "./Acknowledgement.ts"
import * as Burial from "./Burial.ts"
import { CallbackPost, notTaken, type Posted } from "./CallbackPost.ts"
import { Callbacks, idOf } from "./Callbacks.ts"
import * as CallSpans from "./CallSpans.ts"
import { GiveBack } from "./GiveBack.ts"
import { persist } from "./Persistence.ts"
import type { Progress } from "./Progress.ts"
import { type Known, orGiveBack } from "./Unsettled.ts"

type Stored = CallbackMessage.Callback | CallbackMessage.Reference

/**
 * The life of a stored callback: decode → post → done, tried again later, or a dead letter. It ends settled:
 * whatever else happens, the callback goes back to its queue.
 */
export const make = Effect.fnUntraced(function* (retryPolicy: RetryPolicy.RetryPolicy) {
  const callbacks = yield* Callbacks
  const { post } = yield* CallbackPost
  const bury = yield* Burial.make
  const ledger = yield* Ledger
  const giveBack = yield* GiveBack
  const clock = yield* Clock.Clock
  const metrics = yield* Metrics
  const traces = yield* Traces

  const tryOnce = Effect.fnUntraced(function* (stored: Stored, span: Span.Span, progress: Progress) {
    const opened = yield* Effect.result(callbacks.open(stored))
    if (Result.isFailure(opened)) return notTaken(opened.failure.detail)
    if (Option.isNone(opened.success)) return goneResult
    const { body, trace = {}, url } = opened.success.value
    const headers = span.headers(Headers.replaced(opened.success.value.headers, trace))
    const startedAt = clock.monotonicTimeNanosUnsafe()
    progress.dispatched()
    const posted = yield* post({ id: idOf(stored), url, headers, body })
    const seconds = Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e9
    progress.answered(signal(posted), seconds, retryAfterSeconds(posted))
    return posted
  })

  const run = Effect.fnUntraced(function* (
    lane: CallbackLane,
    delivery: Delivery,
    progress: Progress,
    known: Known
  ) {
    const record = yield* ledger.read(delivery)
    const attempt = (record?.attempts ?? 0) + 1
    const decoded = CallbackMessage.decode(delivery.data)
    const about = Result.getOrUndefined(decoded)
    if (isEarly(record, clock.currentTimeMillisUnsafe())) return yield* giveBack.handBack(delivery)
    const span = about === undefined ? Span.none : CallSpans.callback(traces, about, attempt)
    const fields = {
      destination: lane.key,
      function: about?.functionName,
      call_id: about?.callId,
      sequence: delivery.streamSequence,
      attempt,
      trace_id: span.traceId
    }
    known.fields = () => fields

    const giveUp = Effect.fnUntraced(function* (reason: DeadReason, detail: string, status?: number) {
      const epitaph: Burial.Epitaph = {
        what: "callback",
        kind: "callback",
        fn: about === undefined ? FunctionName.unknown : functionOf(about),
        callId: about?.callId,
        reason,
        detail,
        attempts: attempt,
        lastStatus: status,
        answer: undefined,
        acceptedMillis: about?.acceptedMillis ?? delivery.acceptedMillis
      }
      yield* bury(delivery, epitaph, persist(progress.stuck, fields))
      metrics.callbacks.count("dead")
      yield* Effect.logWarning("callback not delivered", { ...fields, status, reason: detail })
      return acknowledge(ledger, delivery)
    })

    if (Result.isFailure(decoded)) return yield* giveUp("undecodable", decoded.failure)
    const posted = yield* span.during(
      Effect.tap(tryOnce(decoded.success, span, progress), (posted) =>
        Effect.sync(() => CallSpans.tellPosted(span, posted))
      )
    )
    switch (posted._tag) {
      case "Taken": {
        yield* Effect.logDebug("posted result", { ...fields, status: posted.status })
        const settled = acknowledge(ledger, delivery)
        metrics.callbacks.count("delivered")
        yield* callbacks.discard(decoded.success, delivery.streamSequence)
        return settled
      }
      case "Never":
        return yield* giveUp("callback-undeliverable", posted.detail, posted.status)
      case "NotTaken": {
        const { detail, retryAfter, status } = posted
        const random = yield* Random.next
        const delayMillis = RetryPolicy.nextDelay(retryPolicy, attempt, { retryAfter, random })
        if (delayMillis === undefined) return yield* giveUp("callback-undeliverable", detail, status)
        const retry_in = delayMillis / 1000
        yield* Effect.logInfo("callback not taken", { ...fields, status, retry_in, reason: detail })
        const givenBack = yield* giveBack.retry(delivery, status, delayMillis)
        metrics.callbacks.count("retried")
        return givenBack
      }
    }
  })

  return (lane: CallbackLane, delivery: Delivery, progress: Progress) => {
    const known: Known = { fields: () => ({ destination: lane.key }) }
    return orGiveBack(giveBack, delivery, known)(run(lane, delivery, progress, known))
  }
})

const goneResult: Posted = {
  _tag: "Never",
  status: undefined,
  detail: "the result is too large for a message and not in the object store any more"
}

const functionOf = ({ functionName }: CallbackMessage.About): FunctionName.FunctionName =>
  Result.getOrElse(
    FunctionName.parse(functionName, FunctionName.unknown.namespace),
    () => FunctionName.unknown
  )

/** What the destination's limiter learns, as from a function. */
const signal = (posted: Posted): Kind => {
  if (posted._tag === "Taken") return "success"
  if (posted.status === undefined) return "unreachable"
  if (posted.status === 429) return "rejected"
  return posted.status === 503 && retryAfterSeconds(posted) !== undefined ? "rejected" : "neutral"
}

const retryAfterSeconds = (posted: Posted): number | undefined =>
  posted._tag === "NotTaken" && posted.retryAfter !== undefined ? posted.retryAfter / 1000 : undefined
