import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import * as Call from "../domain/Call.ts"
import * as CallbackReport from "../domain/CallbackReport.ts"
import * as DeadLetter from "../domain/DeadLetter.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as GoUrl from "../domain/GoUrl.ts"
import * as Headers from "../domain/Headers.ts"
import * as Outcome from "../domain/Outcome.ts"
import type { DeadReason, Verdict } from "../domain/Verdict.ts"
import { DeadLetters } from "../queue/DeadLetters.ts"
import type { Delivery } from "../queue/Delivery.ts"
import type { QueueError } from "../queue/QueueError.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import { Callbacks } from "./Callbacks.ts"
import * as CallSpans from "./CallSpans.ts"
import type { Reaction } from "./Invoker.ts"
import { logFields, type Work } from "./Work.ts"

export interface SettlementOptions {
  /** the largest answer that a callback carries, bytes */
  readonly maxResultBytes: number
  /** of this program, for receivers of callbacks */
  readonly version: string
}

/** What became of a delivery. */
export type Settled =
  | { readonly _tag: "Finished" }
  | { readonly _tag: "GivenBack"; readonly delayMillis: number }
  /** Not settled: it waits in the worker until its function has room. */
  | { readonly _tag: "Held" }

const finished: Settled = { _tag: "Finished" }
const held: Settled = { _tag: "Held" }

export const giveBack = (delivery: Delivery, delayMillis: number): Settled => {
  delivery.nak(delayMillis)
  return { _tag: "GivenBack", delayMillis }
}

/**
 * Carries out verdicts; the only place where a call is acknowledged. That comes last, after everything that
 * must outlive the call is confirmed: dying at any line repeats work and loses none. It fails when something
 * could not be stored; the call is then unsettled.
 */
export class Settlement extends Context.Service<
  Settlement,
  {
    readonly settle: (
      work: Work,
      verdict: Verdict,
      attempted: Attempted
    ) => Effect.Effect<Settled, QueueError>
    /** A call that was never tried. */
    readonly refuse: (work: Work, reason: DeadReason, detail: string) => Effect.Effect<Settled, QueueError>
  }
>()("sluice/worker/Settlement") {
  static readonly layer = (options: SettlementOptions) => Layer.effect(Settlement, make(options))
}

/** The last attempt at a call. */
export interface Attempted {
  readonly call: Call.Call
  readonly reaction: Reaction
  /** what the call's policy allows */
  readonly maxRetries: number
}

const make = Effect.fnUntraced(function* (options: SettlementOptions) {
  const callbacks = yield* Callbacks
  const deadLetters = yield* DeadLetters
  const stream = yield* QueueStream
  const clock = yield* Clock.Clock
  const metrics = yield* Metrics

  const store = (
    work: Work,
    kind: "dead" | "callback",
    reason: DeadReason,
    detail: string,
    lastStatus: number | undefined
  ) =>
    deadLetters
      .store({
        fn: work.fn,
        id: DeadLetter.id(work.delivery.streamCreated, work.delivery.streamSequence, kind),
        message: work.delivery.data,
        headers: DeadLetter.headers({
          reason,
          detail,
          subject: work.delivery.subject,
          stream: stream.name,
          streamCreated: work.delivery.streamCreated,
          sequence: work.delivery.streamSequence,
          attempts: work.attempt,
          lastStatus,
          acceptedMillis: work.delivery.acceptedMillis,
          deadMillis: clock.currentTimeMillisUnsafe(),
          callId: work.call === undefined ? undefined : Call.callId(work.call),
          functionName: FunctionName.key(work.fn)
        })
      })
      .pipe(Effect.tap(Effect.sync(() => metrics.deadLetters.count(reason))))

  const bury = Effect.fnUntraced(function* (
    work: Work,
    reason: DeadReason,
    detail: string,
    status: number | undefined
  ) {
    yield* store(work, "dead", reason, detail, status)
    yield* Effect.logWarning("dead letter", { ...logFields(work), status, reason, detail })
  })

  const deliver = (work: Work, url: string, headers: Headers.HeaderMap, body: Uint8Array = nothing) => {
    const span = CallSpans.callback(work.span, url)
    return span.during(
      callbacks.deliver(url, span.headers(headers), body).pipe(
        Effect.tapError(({ detail }) => Effect.sync(() => span.failed(detail))),
        Effect.match({ onSuccess: () => Option.none(), onFailure: Option.some })
      )
    )
  }

  /** Posts the final result; what cannot be delivered becomes a dead letter. */
  const report = Effect.fnUntraced(function* (work: Work, attempted: Attempted) {
    const { call, reaction } = attempted
    if (call.callbackUrl === undefined) return
    const url = GoUrl.toUrl(call.callbackUrl)
    const undelivered = Result.isFailure(url)
      ? Option.some({ detail: url.failure, status: undefined })
      : yield* deliver(work, url.success, callbackHeaders(work, attempted, options), reaction.reply?.body)
    metrics.callbacks.count(Option.isNone(undelivered) ? "delivered" : "undeliverable")
    if (Option.isNone(undelivered)) return
    const { detail, status } = undelivered.value
    yield* store(work, "callback", "callback-undeliverable", detail, status)
    yield* Effect.logWarning("callback not delivered", { ...logFields(work), status, reason: detail })
  })

  /** The call's end: comes last. */
  const finish = ({ delivery }: Work) => {
    delivery.ack()
    metrics.messagesProcessed.count()
    metrics.acceptToDone.record(Math.max(0, clock.currentTimeMillisUnsafe() - delivery.acceptedMillis) / 1000)
    return finished
  }

  return Settlement.of({
    settle: Effect.fnUntraced(function* (work, verdict, attempted) {
      metrics.verdicts.count(verdictLabels[verdict._tag])
      work.span.set(() => ({ "sluice.verdict": verdictLabels[verdict._tag] }))
      if (verdict._tag === "Dead") work.span.failed(verdict.reason)
      if (verdict._tag === "Hold") return held
      if (verdict._tag === "Retry") {
        metrics.retries.count(FunctionName.key(work.fn))
        return giveBack(work.delivery, verdict.delayMillis)
      }
      if (verdict._tag === "Dead") {
        const { answer } = attempted.reaction
        yield* bury(work, verdict.reason, Outcome.describe(answer), Outcome.statusOf(answer))
      }
      if (attempted.call.callbackUrl !== undefined) yield* report(work, attempted)
      return finish(work)
    }),
    refuse: Effect.fnUntraced(function* (work, reason, detail) {
      metrics.verdicts.count(verdictLabels.Dead)
      work.span.failed(reason)
      yield* bury(work, reason, detail, undefined)
      return finish(work)
    })
  })
})

const verdictLabels = { Done: "done", Hold: "hold", Retry: "retry", Dead: "dead" } as const

const nothing = new Uint8Array(0)

const callbackHeaders = (work: Work, attempted: Attempted, options: SettlementOptions): Headers.HeaderMap => {
  const { call, reaction, maxRetries } = attempted
  const headers = CallbackReport.headers({
    call,
    callId: Call.callId(call) ?? "",
    functionName: call.function,
    reply: reaction.reply === undefined ? undefined : { headers: Headers.fromRaw(reaction.reply.rawHeaders) },
    status: Outcome.statusOf(reaction.answer),
    durationSeconds: reaction.durationSeconds,
    retries: work.attempt - 1,
    maxRetries,
    version: options.version
  })
  if (reaction.reply === undefined || reaction.reply.body !== undefined) return headers
  const note = `${reaction.reply.bodyBytes} bytes are more than max_result_bytes (${options.maxResultBytes})`
  return { ...headers, "X-Sluice-Result-Omitted": [note] }
}
