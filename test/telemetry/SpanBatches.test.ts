import { ExportResultCode, type ExportResult } from "@opentelemetry/core"
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base"
import { expect, it } from "@effect/vitest"
import { Effect, Exit, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as SpanBatches from "../../src/telemetry/SpanBatches.ts"

/** Exports that the test ends. */
class HeldExporter implements SpanExporter {
  readonly batches: Array<ReadonlyArray<string>> = []
  readonly #open: Array<(result: ExportResult) => void> = []
  isShutDown = false

  export(spans: Array<ReadableSpan>, done: (result: ExportResult) => void): void {
    this.batches.push(spans.map(({ name }) => name))
    this.#open.push(done)
  }

  get open(): number {
    return this.#open.length
  }

  end(code = ExportResultCode.SUCCESS): void {
    this.#open.shift()?.({ code, error: new Error("503") })
  }

  shutdown(): Promise<void> {
    this.isShutDown = true
    return Promise.resolve()
  }
}

const step = (name: string) => ({ name }) as ReadableSpan

const settings = { mostWaiting: 4, batchSize: 2, delayMillis: 1_000, exportTimeoutMillis: 30_000 }

const start = Effect.gen(function* () {
  const exporter = new HeldExporter()
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void lines.push(JSON.stringify(message)))
  const scope = yield* Scope.make()
  const take = yield* SpanBatches.make(exporter, settings).pipe(
    Scope.provide(scope),
    Effect.provide(Logger.layer([logger]))
  )
  yield* Effect.yieldNow
  return {
    exporter,
    lines,
    end: Scope.close(scope, Exit.void),
    take: (...names: ReadonlyArray<string>) =>
      Effect.andThen(
        Effect.sync(() => names.forEach((name) => take(step(name)))),
        TestClock.adjust(0)
      )
  }
})

/** The export that is under way ends, and what follows from it begins. */
const ended = (exporter: HeldExporter, code?: ExportResultCode) =>
  Effect.andThen(
    Effect.sync(() => exporter.end(code)),
    TestClock.adjust(0)
  )

it.effect("a whole batch goes at once, less than one after the delay, and one after the other", () =>
  Effect.gen(function* () {
    const { exporter, lines, take } = yield* start
    yield* take("a")
    expect(exporter.batches).toEqual([])
    yield* TestClock.adjust("1 second")
    expect(exporter.batches).toEqual([["a"]])
    yield* take("b", "c", "d")
    expect(exporter.open).toBe(1)
    yield* ended(exporter)
    expect(exporter.batches).toEqual([["a"], ["b", "c"]])
    yield* ended(exporter)
    expect(exporter.open).toBe(0)
    yield* TestClock.adjust("1 second")
    expect(exporter.batches).toEqual([["a"], ["b", "c"], ["d"]])
    expect(lines).toEqual([])
  })
)

it.effect("what does not fit is dropped, which is told once, and again when all is exported", () =>
  Effect.gen(function* () {
    const { exporter, lines, take } = yield* start
    yield* take("a", "b")
    yield* take("c", "d", "e", "f", "g", "h")
    yield* ended(exporter)
    expect(lines).toEqual([expect.stringContaining("there are more than the collector takes")])
    yield* take("i", "j", "k", "l", "m")
    yield* ended(exporter)
    yield* ended(exporter)
    expect(lines).toHaveLength(2)
    expect(lines[1]).toContain("traces are exported again")
    expect(lines[1]).toContain('"dropped_spans":5')
    expect(exporter.batches).toEqual([
      ["a", "b"],
      ["c", "d"],
      ["e", "f"],
      ["i", "j"]
    ])
  })
)

it.effect("a batch that the collector refuses or does not answer is given up, which is told once", () =>
  Effect.gen(function* () {
    const { exporter, lines, take } = yield* start
    yield* take("a", "b")
    yield* ended(exporter, ExportResultCode.FAILED)
    expect(lines).toEqual([expect.stringContaining("503")])
    yield* take("c", "d")
    yield* TestClock.adjust("30 seconds")
    yield* take("e", "f")
    expect(exporter.batches).toEqual([
      ["a", "b"],
      ["c", "d"],
      ["e", "f"]
    ])
    expect(lines).toHaveLength(1)
  })
)

it.effect("the end waits until all that is left is exported, but not for a collector that is silent", () =>
  Effect.gen(function* () {
    const { end, exporter, take } = yield* start
    yield* take("a", "b", "c", "d")
    const ending = yield* Effect.forkChild(end)
    yield* TestClock.adjust(0)
    yield* ended(exporter)
    expect(exporter.batches).toEqual([
      ["a", "b"],
      ["c", "d"]
    ])
    expect(exporter.isShutDown).toBe(false)
    yield* ended(exporter)
    yield* Effect.yieldNow
    expect(ending.pollUnsafe()).toBeDefined()
    expect(exporter.isShutDown).toBe(true)

    const silent = yield* start
    yield* silent.take("a")
    const waiting = yield* Effect.forkChild(silent.end)
    yield* TestClock.adjust("3 seconds")
    expect(silent.exporter.batches).toEqual([["a"]])
    expect(waiting.pollUnsafe()).toBeDefined()
  })
)
