import { Clock, Context, Effect, Layer, Random, Result } from "effect"
import * as Call from "../domain/Call.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as Outcome from "../domain/Outcome.ts"
import * as RetryPolicy from "../domain/RetryPolicy.ts"
import * as Verdict from "../domain/Verdict.ts"
import { Functions } from "../functions/Functions.ts"
import type { Delivery } from "../queue/Delivery.ts"
import { type Live, Metrics } from "../telemetry/Metrics.ts"
import * as Span from "../telemetry/Span.ts"
import { Traces } from "../telemetry/Traces.ts"
import { attemptOf } from "./Attempts.ts"
import * as CallSpans from "./CallSpans.ts"
import { Invoker, type Reaction } from "./Invoker.ts"
import { giveBack, type Settled, Settlement } from "./Settlement.ts"
import type { Flight } from "./Throttle.ts"
import { logFields, type Work } from "./Work.ts"

export interface ProcessOptions {
  readonly retryPolicy: RetryPolicy.RetryPolicy
  readonly defaultNamespace: string
  /** a call that its function had no room for stays with the worker; otherwise it is retried like a failed one */
  readonly holdRejected: boolean
  /** from acceptance; an older call is not tried again, milliseconds */
  readonly maxCallAgeMillis: number
}

/**
 * The life of a delivery, from top to bottom:
 *
 *   decode → find the function → invoke → answer → verdict → settle
 *     └──────────────┴── dead letter
 *
 * It ends settled or held: whatever else happens, the call goes back to the queue.
 */
export class Process extends Context.Service<
  Process,
  {
    readonly process: (
      fn: FunctionName.FunctionName,
      delivery: Delivery,
      flight: Flight
    ) => Effect.Effect<Settled>
  }
>()("sluice/worker/Process") {
  static readonly layer = (options: ProcessOptions) => Layer.effect(Process, make(options))
}

/** How long a call waits when something could not be stored, or when we have failed ourselves. */
const TROUBLE_DELAY_MILLIS = 5_000

const MOST_WARNED = 1_000

const make = Effect.fnUntraced(function* (options: ProcessOptions) {
  const functions = yield* Functions
  const invoker = yield* Invoker
  const settlement = yield* Settlement
  const clock = yield* Clock.Clock
  const metrics = yield* Metrics
  const traces = yield* Traces
  const warned = new Set<string>()

  const warnOnce = (fn: FunctionName.FunctionName, sentences: ReadonlyArray<string>) =>
    Effect.forEach(sentences, (sentence) => {
      const line = `${FunctionName.key(fn)}: ${sentence}`
      if (warned.has(line)) return Effect.void
      // Whoever publishes chooses the sentences.
      if (warned.size >= MOST_WARNED) warned.clear()
      warned.add(line)
      return Effect.logWarning(line)
    })

  const run = Effect.fnUntraced(function* (
    fn: FunctionName.FunctionName,
    delivery: Delivery,
    flight: Flight
  ) {
    const attempt = attemptOf(delivery)
    const decoded = Call.decode(delivery.data)
    if (Result.isFailure(decoded)) {
      return yield* settlement.refuse(
        { fn, delivery, call: undefined, attempt, span: Span.none },
        "undecodable",
        decoded.failure
      )
    }
    const call = decoded.success
    const span = CallSpans.process(traces, fn, delivery, call, clock.currentTimeMillisUnsafe())
    const work = { fn, delivery, call, attempt, span }
    return yield* span.during(handle(work, flight))
  })

  const handle = Effect.fnUntraced(function* (work: Work & { readonly call: Call.Call }, flight: Flight) {
    const { fn, delivery, call, attempt } = work
    const named = FunctionName.parse(call.function, options.defaultNamespace)
    if (Result.isFailure(named) || FunctionName.key(named.success) !== FunctionName.key(fn)) {
      const detail = `the message is for "${call.function}", its subject for ${FunctionName.key(fn)}`
      return yield* settlement.refuse(work, "function-mismatch", detail)
    }

    const found = yield* functions.find(fn)
    let reaction = neverCalled
    if (found._tag !== "Unknown") {
      flight.dispatched()
      const { url } = found.spec
      reaction = yield* CallSpans.attempt(work, url, flight, (asked) =>
        invoker.invoke(url, asked, call.callbackUrl !== undefined)
      )
      const { answer, durationSeconds } = reaction
      flight.answered(Outcome.signal(answer), durationSeconds, Outcome.retryAfterSeconds(answer))
      countAnswer(metrics, FunctionName.key(fn), reaction)
    }

    // What the caller's gateway wrote into the message wins over what the function says now.
    const own = found._tag === "Unknown" ? {} : found.spec.annotations
    const overrides = { ...own, ...call.annotations }
    const { policy, invalid } = RetryPolicy.withAnnotations(options.retryPolicy, overrides)
    if (invalid.length > 0) yield* warnOnce(fn, invalid)

    const tooOld = clock.currentTimeMillisUnsafe() - delivery.acceptedMillis > options.maxCallAgeMillis
    const rules = { holdRejected: options.holdRejected, tooOld }
    const verdict: Verdict.Verdict =
      found._tag === "Unknown"
        ? { _tag: "Dead", reason: "unknown-function" }
        : Verdict.decide(reaction.answer, attempt, policy, yield* Random.next, rules)
    yield* logAttempt(work, reaction, verdict)
    return yield* settlement.settle(work, verdict, { call, reaction, maxRetries: policy.maxAttempts })
  })

  return Process.of({
    process: (fn, delivery, flight) =>
      run(fn, delivery, flight).pipe(
        Effect.catch((error) => keep(fn, delivery, { reason: error.detail })),
        Effect.catchCause((defect) => keep(fn, delivery, defect)),
        // Another worker may have it at once.
        Effect.onInterrupt(() => Effect.sync(() => delivery.nak(0)))
      )
  })
})

const countAnswer = (metrics: Live, fn: string, { answer, durationSeconds }: Reaction) => {
  metrics.attempts.count(fn, Outcome.statusClass(answer))
  metrics.execution.record(durationSeconds, fn)
  if (Outcome.signal(answer) === "rejected") metrics.rejections.count(fn)
}

const keep = (fn: FunctionName.FunctionName, delivery: Delivery, ...why: ReadonlyArray<unknown>) =>
  Effect.logError(
    "a call could not be settled, it stays in the queue",
    { function: FunctionName.key(fn), sequence: delivery.streamSequence },
    ...why
  ).pipe(Effect.map(() => giveBack(delivery, TROUBLE_DELAY_MILLIS)))

/** The reaction of a function that its provider does not know. */
const neverCalled: Reaction = {
  answer: { _tag: "Reply", status: 404, internal: false, retryAfter: undefined },
  durationSeconds: 0,
  reply: undefined,
  droppedHeaders: []
}

const logAttempt = (work: Work, reaction: Reaction, verdict: Verdict.Verdict) => {
  const fields = () => ({
    ...logFields(work),
    status: Outcome.statusOf(reaction.answer),
    duration: Number(reaction.durationSeconds.toFixed(6)),
    ...(reaction.droppedHeaders.length > 0 ? { dropped_headers: reaction.droppedHeaders.join(",") } : {})
  })
  if (verdict._tag === "Done") {
    return reaction.droppedHeaders.length > 0
      ? Effect.logWarning("invoked without headers that HTTP cannot carry", fields())
      : Effect.suspend(() => Effect.logDebug("invoked", fields()))
  }
  if (verdict._tag === "Hold") return Effect.suspend(() => Effect.logDebug("no room, held", fields()))
  if (verdict._tag === "Retry") {
    const retry_in = verdict.delayMillis / 1000
    return Effect.logInfo("retry", { ...fields(), retry_in, reason: Outcome.describe(reaction.answer) })
  }
  return Effect.void
}
