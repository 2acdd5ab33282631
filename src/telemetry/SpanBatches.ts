import { ExportResultCode } from "@opentelemetry/core"
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base"
import { Cause, Duration, Effect, Fiber, Latch } from "effect"

export interface BatchSettings {
  /** steps that wait to be exported at most; what comes beyond is dropped */
  readonly mostWaiting: number
  /** steps of one export at most */
  readonly batchSize: number
  /** between two exports of less than a whole batch, milliseconds */
  readonly delayMillis: number
  /** for one export, milliseconds */
  readonly exportTimeoutMillis: number
}

/** A collector that does not answer must not hold up the end of the program. */
const FLUSH_TIMEOUT = Duration.seconds(3)

/**
 * Exports steps in batches, one after the other, and at the end of the scope what is left. The SDK's own processor
 * would export all that is left at once, of which exporters refuse most, and would drop without a word.
 *
 * @returns takes a step that has ended
 */
export const make = Effect.fnUntraced(function* (exporter: SpanExporter, settings: BatchSettings) {
  const waiting: Array<ReadableSpan> = []
  const due = Latch.makeUnsafe()
  let overflowed = 0
  let lost = 0
  let isFailing = false
  let isClosing = false

  const exportBatch = Effect.gen(function* () {
    const batch = waiting.splice(0, settings.batchSize)
    const failure = yield* exported(exporter, batch, settings.exportTimeoutMillis)
    lost += overflowed + (failure === undefined ? 0 : batch.length)
    const reason = failure ?? (overflowed > 0 ? "there are more than the collector takes" : undefined)
    overflowed = 0
    if (reason !== undefined && !isFailing) {
      yield* Effect.logWarning("traces cannot be exported, they are dropped", { reason })
    }
    if (reason === undefined && isFailing) {
      yield* Effect.logInfo("traces are exported again", { dropped_spans: lost })
      lost = 0
    }
    isFailing = reason !== undefined
  })

  const exporting = Effect.gen(function* () {
    while (true) {
      yield* Effect.timeoutOption(due.await, Duration.millis(settings.delayMillis))
      do {
        if (waiting.length > 0) yield* exportBatch
      } while (waiting.length >= (isClosing ? 1 : settings.batchSize))
      if (isClosing) return
      due.closeUnsafe()
    }
  })

  const fiber = yield* Effect.forkScoped(exporting)
  const end = Effect.gen(function* () {
    isClosing = true
    due.openUnsafe()
    yield* Fiber.await(fiber)
    yield* Effect.promise(() => exporter.shutdown().catch(() => undefined))
  })
  yield* Effect.addFinalizer(() => Effect.timeoutOption(Effect.interruptible(end), FLUSH_TIMEOUT))

  return (span: ReadableSpan): void => {
    if (waiting.length >= settings.mostWaiting) {
      overflowed++
      return
    }
    waiting.push(span)
    if (waiting.length === settings.batchSize) due.openUnsafe()
  }
})

/** Gives why it failed. */
const exported = (exporter: SpanExporter, batch: Array<ReadableSpan>, timeoutMillis: number) =>
  Effect.callback<string | undefined>((resume) =>
    exporter.export(batch, ({ code, error }) =>
      resume(
        Effect.succeed(
          code === ExportResultCode.SUCCESS ? undefined : (error?.message ?? "no reason was given")
        )
      )
    )
  ).pipe(
    Effect.catchCause((cause) => Effect.succeed(String(Cause.squash(cause)))),
    Effect.timeoutOrElse({
      duration: Duration.millis(timeoutMillis),
      orElse: () => Effect.succeed(`the collector did not answer within ${timeoutMillis} ms`)
    })
  )
