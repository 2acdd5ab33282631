import { Clock, Context, Effect, Layer, LogLevel, Random, Result } from "effect"
import * as AttemptRecord from "../domain/AttemptRecord.ts"
import * as Call from "../domain/Call.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as Outcome from "../domain/Outcome.ts"
import * as RetryPolicy from "../domain/RetryPolicy.ts"
import * as Verdict from "../domain/Verdict.ts"
import { Functions } from "../functions/Functions.ts"
import type { Delivery } from "../queue/Delivery.ts"
import { Ledger } from "../queue/Ledger.ts"
import { GiveBack } from "./GiveBack.ts"
import { type Live, Metrics } from "../telemetry/Metrics.ts"
import * as Span from "../telemetry/Span.ts"
import { Traces } from "../telemetry/Traces.ts"
import * as CallSpans from "./CallSpans.ts"
import { Invoker, type Reaction } from "./Invoker.ts"
import type { Progress } from "./Progress.ts"
import type { Settled } from "./Settled.ts"
import { Settlement } from "./Settlement.ts"
import { Suspects } from "./Suspects.ts"
import { type Known, orGiveBack } from "./Unsettled.ts"
import { logFields, type Work } from "./Work.ts"

export interface ProcessOptions {
  readonly retryPolicy: RetryPolicy.RetryPolicy
  readonly defaultNamespace: string
  /** a call that its function had no room for stays with the worker; otherwise it is retried like a failed one */
  readonly holdRejected: boolean
  /** from acceptance; an older call is not tried again, milliseconds */
  readonly maxCallAgeMillis: number
  /** how many workers a call may take down */
  readonly maxUnfinishedDeliveries: number
}

/**
 * The life of a delivery, from top to bottom:
 *
 *   ledger → decode → find the function → invoke → answer → verdict → settle
 *     │         └──────────────┴── dead letter
 *     └── too early: given back
 *
 * It ends settled or held: whatever else happens, the call goes back to the queue.
 */
export class Process extends Context.Service<
  Process,
  {
    readonly process: (
      /** whose subject it came on; undefined leaves that to the message */
      fn: FunctionName.FunctionName | undefined,
      delivery: Delivery,
      progress: Progress
    ) => Effect.Effect<Settled>
  }
>()("sluice/worker/Process") {
  static readonly layer = (options: ProcessOptions) => Layer.effect(Process, make(options))
}

const MOST_WARNED = 1_000

const make = Effect.fnUntraced(function* (options: ProcessOptions) {
  const functions = yield* Functions
  const invoker = yield* Invoker
  const settlement = yield* Settlement
  const ledger = yield* Ledger
  const giveBack = yield* GiveBack
  const suspects = yield* Suspects
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const logsDebug = yield* LogLevel.isEnabled("Debug")
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
    fnOfSubject: FunctionName.FunctionName | undefined,
    delivery: Delivery,
    progress: Progress,
    known: Known
  ) {
    const { stuck } = progress
    const record = yield* ledger.read(delivery)
    const standing = AttemptRecord.standing(record, delivery, options.maxUnfinishedDeliveries)
    const attempt = standing.attempts + 1
    const decoded = Call.decode(delivery.data)
    if (Result.isFailure(decoded)) {
      return yield* settlement.refuse(
        {
          fn: fnOfSubject ?? FunctionName.unknown,
          delivery,
          call: undefined,
          attempt,
          stuck,
          span: Span.none
        },
        "undecodable",
        decoded.failure
      )
    }
    const call = decoded.success
    const named = FunctionName.parse(call.function, options.defaultNamespace)
    const fn = fnOfSubject ?? Result.getOrElse(named, () => FunctionName.unknown)
    const span = CallSpans.process(traces, fn, delivery, call, clock.currentTimeMillisUnsafe())
    const work = { fn, delivery, call, attempt, stuck, span }
    known.fields = () => logFields(work)
    if (fnOfSubject === undefined && Result.isFailure(named)) {
      return yield* span.during(settlement.refuse(work, "undecodable", named.failure))
    }
    if (Result.isFailure(named) || FunctionName.key(named.success) !== FunctionName.key(fn)) {
      const detail = `the message is for "${call.function}", its subject for ${FunctionName.key(fn)}`
      return yield* span.during(settlement.refuse(work, "function-mismatch", detail))
    }
    return yield* span.during(handle(work, record, standing, progress))
  })

  const handle = Effect.fnUntraced(function* (
    work: Work & { readonly call: Call.Call },
    record: AttemptRecord.AttemptRecord | undefined,
    standing: AttemptRecord.Standing,
    progress: Progress
  ) {
    const { fn, delivery, call } = work
    if (AttemptRecord.isEarly(record, clock.currentTimeMillisUnsafe())) {
      return yield* giveBack.handBack(delivery)
    }

    const found = yield* functions.find(fn)
    // What the caller's gateway wrote into the message wins over what the function says now.
    const own = found._tag === "Unknown" ? {} : found.spec.annotations
    const overrides = { ...own, ...call.annotations }
    const { policy, invalid } = RetryPolicy.withAnnotations(options.retryPolicy, overrides)
    if (invalid.length > 0) yield* warnOnce(fn, invalid)
    const end = { call, maxRetries: policy.maxAttempts }

    if (found._tag === "Unknown") {
      return yield* settlement.settle(work, dead("unknown-function"), { ...end, reaction: neverCalled })
    }
    if (standing.poison) {
      const lost = { ...work, attempt: standing.attempts }
      return yield* settlement.settle(lost, dead("unfinished"), {
        ...end,
        reaction: workerLost(standing.unfinished)
      })
    }

    const execution = execute(work, found.spec.url, policy, progress)
    return yield* standing.suspect === undefined
      ? execution
      : suspects.execute(delivery, standing.suspect, execution)
  })

  // Not inside `handle`: a generator function that is made for each call lets all that it sees outlive the call.
  const execute = Effect.fnUntraced(function* (
    work: Work & { readonly call: Call.Call },
    url: string,
    policy: RetryPolicy.RetryPolicy,
    progress: Progress
  ) {
    const { attempt, call, delivery, fn } = work
    progress.dispatched()
    const reaction = yield* CallSpans.attempt(work, url, progress, (header) =>
      invoker.invoke(url, call, header, call.callbackUrl !== undefined)
    )
    const { answer, durationSeconds } = reaction
    progress.answered(Outcome.signal(answer), durationSeconds, Outcome.retryAfterSeconds(answer))
    countAnswer(metrics, FunctionName.key(fn), reaction)
    const tooOld = clock.currentTimeMillisUnsafe() - delivery.acceptedMillis > options.maxCallAgeMillis
    const rules = { holdRejected: options.holdRejected, tooOld }
    const verdict = Verdict.decide(answer, attempt, policy, random.nextDoubleUnsafe(), rules)
    yield* logAttempt(work, reaction, verdict, logsDebug)
    return yield* settlement.settle(work, verdict, { call, maxRetries: policy.maxAttempts, reaction })
  })

  return Process.of({
    process: (fn, delivery, progress) => {
      const known: Known = { fields: () => ({ function: FunctionName.key(fn ?? FunctionName.unknown) }) }
      return orGiveBack(giveBack, delivery, known)(run(fn, delivery, progress, known))
    }
  })
})

const countAnswer = (metrics: Live, fn: string, { answer, durationSeconds }: Reaction) => {
  metrics.attempts.count(fn, Outcome.statusClass(answer))
  metrics.execution.record(durationSeconds, fn)
  if (Outcome.signal(answer) === "rejected") metrics.rejections.count(fn)
}

/** The reaction of a function that its provider does not know. */
const neverCalled: Reaction = {
  answer: { _tag: "Reply", status: 404, internal: false, retryAfter: undefined },
  durationSeconds: 0,
  reply: undefined,
  excerpt: undefined,
  droppedHeaders: []
}

const workerLost = (times: number): Reaction => ({ ...neverCalled, answer: { _tag: "WorkerLost", times } })

const dead = (reason: Verdict.DeadReason): Verdict.Verdict => ({ _tag: "Dead", reason })

/** @param logsDebug lines of this level are written; most calls have no other, and making them costs */
const logAttempt = (work: Work, reaction: Reaction, verdict: Verdict.Verdict, logsDebug: boolean) => {
  const fields = () => ({
    ...logFields(work),
    status: Outcome.statusOf(reaction.answer),
    duration: Number(reaction.durationSeconds.toFixed(6)),
    ...(reaction.droppedHeaders.length > 0 ? { dropped_headers: reaction.droppedHeaders.join(",") } : {})
  })
  if (verdict._tag === "Retry") {
    const retry_in = verdict.delayMillis / 1000
    return Effect.logInfo("retry", { ...fields(), retry_in, reason: Outcome.describe(reaction.answer) })
  }
  if (verdict._tag === "Done" && reaction.droppedHeaders.length > 0) {
    return Effect.logWarning("invoked without headers that HTTP cannot carry", fields())
  }
  if (verdict._tag === "Dead" || !logsDebug) return Effect.void
  return Effect.logDebug(verdict._tag === "Done" ? "invoked" : "no room, held", fields())
}
