import { Clock, Context, Effect, Layer, Result } from "effect"
import * as Call from "../domain/Call.ts"
import type { Callback } from "../domain/CallbackMessage.ts"
import * as CallbackReport from "../domain/CallbackReport.ts"
import type * as Excerpt from "../domain/Excerpt.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as GoUrl from "../domain/GoUrl.ts"
import * as Headers from "../domain/Headers.ts"
import * as Outcome from "../domain/Outcome.ts"
import type { DeadReason, Verdict } from "../domain/Verdict.ts"
import { Ledger } from "../queue/Ledger.ts"
import type { QueueError } from "../queue/QueueError.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import * as TraceHeaders from "../telemetry/TraceHeaders.ts"
import { acknowledge } from "./Acknowledgement.ts"
import * as Burial from "./Burial.ts"
import { Callbacks } from "./Callbacks.ts"
import { GiveBack } from "./GiveBack.ts"
import type { Reaction } from "./Invoker.ts"
import { persist } from "./Persistence.ts"
import { held, type Settled } from "./Settled.ts"
import { logFields, type Work } from "./Work.ts"

export interface SettlementOptions {
  /** the largest answer that a callback carries, bytes */
  readonly maxResultBytes: number
  /** of this program, for receivers of callbacks */
  readonly version: string
}

/**
 * Carries out verdicts. The acknowledgement comes last, after everything that must outlive the call is confirmed:
 * dying at any line repeats work and loses none. It waits while something cannot be stored, and fails when that can
 * never be; the call is then unsettled.
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
  const bury = yield* Burial.make
  const giveBack = yield* GiveBack
  const ledger = yield* Ledger
  const stream = yield* QueueStream
  const clock = yield* Clock.Clock
  const metrics = yield* Metrics

  /** Stores a call for people. */
  const keep = (
    work: Work,
    why: Pick<Burial.Epitaph, "what" | "reason" | "detail" | "lastStatus" | "answer">
  ) => {
    const { attempt: attempts, call, delivery, fn } = work
    const callId = call === undefined ? undefined : Call.callId(call)
    const epitaph = { ...why, fn, callId, attempts, acceptedMillis: delivery.acceptedMillis }
    return bury(delivery, epitaph, persist(work.stuck, logFields(work)))
  }

  const giveUp = Effect.fnUntraced(function* (
    work: Work,
    reason: DeadReason,
    detail: string,
    lastStatus?: number,
    answer?: Excerpt.Excerpt
  ) {
    yield* keep(work, { what: "dead", reason, detail, lastStatus, answer })
    yield* Effect.logWarning("dead letter", { ...logFields(work), status: lastStatus, reason, detail })
  })

  /** The callback goes nowhere: its call is kept for people. */
  const undeliverable = Effect.fnUntraced(function* (work: Work, detail: string) {
    const reason = "callback-undeliverable"
    yield* keep(work, { what: "callback", reason, detail, lastStatus: undefined, answer: undefined })
    metrics.callbacks.count("dead")
    yield* Effect.logWarning("callback not delivered", { ...logFields(work), reason: detail })
  })

  /** Stores the final result for its receiver. */
  const report = Effect.fnUntraced(function* (work: Work, attempted: Attempted) {
    const { call, reaction } = attempted
    if (call.callbackUrl === undefined) return
    const url = GoUrl.toUrl(call.callbackUrl)
    if (Result.isFailure(url)) return yield* undeliverable(work, url.failure)
    const callback: Callback = {
      url: url.success,
      callId: Call.callId(call) ?? "",
      functionName: FunctionName.key(work.fn),
      status: Outcome.statusOf(reaction.answer),
      acceptedMillis: work.delivery.acceptedMillis,
      finishedMillis: clock.currentTimeMillisUnsafe(),
      stream: stream.name,
      streamCreated: work.delivery.streamCreated,
      sequence: work.delivery.streamSequence,
      trace: work.span.headers(TraceHeaders.only(call.header)),
      headers: callbackHeaders(work, attempted, options),
      body: reaction.reply?.body ?? nothing
    }
    yield* callbacks
      .store(callback, persist(work.stuck, logFields(work)))
      .pipe(
        Effect.catch((error) =>
          error.reason === "too-large" ? undeliverable(work, error.detail) : Effect.fail(error)
        )
      )
  })

  const tellVerdict = ({ span }: Work, verdict: Verdict["_tag"]) => {
    metrics.verdicts.count(verdictLabels[verdict])
    span.set(() => ({ "sluice.verdict": verdictLabels[verdict] }))
  }

  /** The call's end: comes last. */
  const finish = ({ delivery }: Work): Settled => {
    metrics.messagesProcessed.count()
    metrics.acceptToDone.record(Math.max(0, clock.currentTimeMillisUnsafe() - delivery.acceptedMillis) / 1000)
    return acknowledge(ledger, delivery)
  }

  return Settlement.of({
    settle: Effect.fnUntraced(function* (work, verdict, attempted) {
      tellVerdict(work, verdict._tag)
      if (verdict._tag === "Dead") work.span.failed(verdict.reason)
      if (verdict._tag === "Hold") return held
      if (verdict._tag === "Retry") {
        const status = Outcome.statusOf(attempted.reaction.answer)
        const givenBack = yield* giveBack.retry(work.delivery, status, verdict.delayMillis)
        metrics.retries.count(FunctionName.key(work.fn))
        return givenBack
      }
      if (verdict._tag === "Dead") {
        const { answer, excerpt } = attempted.reaction
        yield* giveUp(work, verdict.reason, Outcome.describe(answer), Outcome.statusOf(answer), excerpt)
      }
      if (attempted.call.callbackUrl !== undefined) yield* report(work, attempted)
      return finish(work)
    }),
    refuse: Effect.fnUntraced(function* (work, reason, detail) {
      tellVerdict(work, "Dead")
      work.span.failed(reason, detail)
      yield* giveUp(work, reason, detail)
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
    retries: Math.max(0, work.attempt - 1),
    maxRetries,
    version: options.version
  })
  if (reaction.reply === undefined || reaction.reply.body !== undefined) return headers
  const note = `${reaction.reply.bodyBytes} bytes are more than max_result_bytes (${options.maxResultBytes})`
  return { ...headers, "X-Sluice-Result-Omitted": [note] }
}
