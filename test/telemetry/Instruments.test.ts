import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as FunctionName from "../../src/domain/FunctionName.ts"
import { Exposition } from "../../src/telemetry/Exposition.ts"
import { MOST_FUNCTIONS } from "../../src/telemetry/Instruments.ts"
import { Metrics } from "../../src/telemetry/Metrics.ts"
import { eventually } from "../support/Eventually.ts"
import * as EveryMetric from "../support/EveryMetric.ts"
import * as Scrape from "../support/Scrape.ts"

/** Holds up everything else in the process. */
const standStill = (millis: number) => {
  const end = performance.now() + millis
  while (performance.now() < end);
}

/** Lets the timers that are due run. */
const oneTurn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

const start = Effect.gen(function* () {
  const context = yield* Layer.build(
    Exposition.layer({ queueName: "faas-request", programs: ["worker"], version: 'v"1"\n\\' })
  )
  return {
    metrics: Context.get(context, Metrics),
    text: Context.get(context, Exposition).text,
    samples: Effect.map(Context.get(context, Exposition).text, Scrape.parse)
  }
})

describe("the series of a function", () => {
  it.effect("disappear when nothing has changed for a quarter of an hour, and others stay", () =>
    Effect.gen(function* () {
      const { metrics, samples } = yield* start
      const countAll = (fn: string) => {
        metrics.attempts.count(fn, "2xx")
        metrics.execution.record(1, fn)
        metrics.pendingMessages.set(0, fn)
      }
      countAll("gone.fn")
      countAll("busy.fn")
      metrics.pendingMessages.set(7, "stuck.fn")
      for (let minute = 0; minute < 20; minute++) {
        yield* samples
        countAll("busy.fn")
        yield* TestClock.adjust("1 minute")
      }
      const shown = yield* samples
      const namesOf = (metric: string) =>
        shown.filter(({ name }) => name === metric).map(({ labels }) => labels["function_name"])
      expect(namesOf("sluice_attempts_total")).toEqual(["busy.fn"])
      expect(namesOf("sluice_execution_seconds_count")).toEqual(["busy.fn"])
      expect(namesOf("queue_worker_pending_messages").toSorted()).toEqual(["busy.fn", "stuck.fn"])
      metrics.attempts.count("gone.fn", "2xx")
      expect(Scrape.valueIn(yield* samples, "sluice_attempts_total", { function_name: "gone.fn" })).toBe(1)
    })
  )

  it.effect("are bounded: functions beyond the limit are counted together", () =>
    Effect.gen(function* () {
      const { metrics, samples } = yield* start
      for (let n = 0; n < MOST_FUNCTIONS + 100; n++) metrics.retries.count(`f${n}.fn`)
      metrics.retries.count("f0.fn")
      const series = (yield* samples).filter(({ name }) => name === "sluice_retries_total")
      expect(series).toHaveLength(MOST_FUNCTIONS + 1)
      expect(Scrape.valueIn(series, "sluice_retries_total", { function_name: "other" })).toBe(100)
      expect(Scrape.valueIn(series, "sluice_retries_total", { function_name: "f0.fn" })).toBe(2)
    })
  )

  it.effect("are not shown for depths beyond the limit, of which the last one would stand for all", () =>
    Effect.gen(function* () {
      const { metrics, samples } = yield* start
      for (let n = 0; n < MOST_FUNCTIONS; n++) metrics.pendingMessages.set(1, `f${n}.fn`)
      metrics.pendingMessages.set(5_000, "big.fn")
      metrics.pendingMessages.set(3, "small.fn")
      metrics.pendingMessages.set(2, "f0.fn")
      const series = (yield* samples).filter(({ name }) => name === "queue_worker_pending_messages")
      expect(series).toHaveLength(MOST_FUNCTIONS)
      expect(Scrape.valueIn(series, "queue_worker_pending_messages", { function_name: "f0.fn" })).toBe(2)
      metrics.pendingMessages.remove("f1.fn")
      metrics.pendingMessages.set(5_000, "big.fn")
      expect(
        Scrape.valueIn(yield* samples, "queue_worker_pending_messages", { function_name: "big.fn" })
      ).toBe(5_000)
    })
  )

  it.effect("end what they have begun, also when a function has got a name of its own meanwhile", () =>
    Effect.gen(function* () {
      const { metrics, samples } = yield* start
      for (let n = 0; n < MOST_FUNCTIONS; n++) metrics.pendingMessages.set(1, `f${n}.fn`)
      const ends = ["late.fn", "later.fn"].map((fn) => metrics.gatewayInFlight.begin(fn))
      const inFlight = (function_name: string) =>
        Effect.map(samples, (all) =>
          Scrape.valueIn(all, "gateway_function_invocation_inflight", { function_name })
        )
      expect(yield* inFlight("other")).toBe(2)
      for (const gone of ["f1.fn", "f2.fn"]) metrics.pendingMessages.remove(gone)
      metrics.gatewayInFlight.begin("late.fn")
      for (const end of ends) end()
      expect(yield* inFlight("other")).toBe(0)
      expect(yield* inFlight("late.fn")).toBe(1)
    })
  )

  it.effect("are shown for as long as what they tell is so, and again when it is told anew", () =>
    Effect.gen(function* () {
      const { metrics, samples } = yield* start
      let isSo = true
      const depth = Effect.map(samples, (all) => Scrape.valueIn(all, "queue_worker_pending_messages"))
      metrics.pendingMessages.showWhile(() => isSo)
      metrics.pendingMessages.set(7, "f.fn")
      expect(yield* depth).toBe(7)
      isSo = false
      expect(yield* depth).toBeUndefined()
      metrics.pendingMessages.showWhile(() => true)
      metrics.pendingMessages.set(8, "f.fn")
      expect(yield* depth).toBe(8)
    })
  )

  it.effect("that somebody watches go when he stops, and not when his successor has come", () =>
    Effect.gen(function* () {
      const { metrics, samples } = yield* start
      const shown = Effect.map(samples, (all) =>
        Scrape.valueIn(all, "sluice_calls_held", { function_name: "f.fn" })
      )
      const stopFirst = metrics.callsHeld.watch(() => 1, "f.fn")
      const stopSecond = metrics.callsHeld.watch(() => 2, "f.fn")
      stopFirst()
      expect(yield* shown).toBe(2)
      stopSecond()
      expect(yield* shown).toBeUndefined()
    })
  )
})

it.effect("counts that may happen are there from the start, so that a rate sees the first one", () =>
  Effect.gen(function* () {
    const { samples } = yield* start
    const shown = yield* samples
    expect(Scrape.valueIn(shown, "queue_worker_nats_reconnect_total")).toBe(0)
    expect(Scrape.valueIn(shown, "sluice_dead_letters_total", { reason: "exhausted" })).toBe(0)
    expect(Scrape.valueIn(shown, "gateway_nats_reconnect_total")).toBeUndefined()
  })
)

it.effect(
  "how late the event loop was is the same for all who ask, and is forgotten after twenty seconds",
  () =>
    Effect.gen(function* () {
      const { samples } = yield* start
      const delay = Effect.map(samples, (all) => Scrape.valueIn(all, "sluice_event_loop_delay_seconds") ?? 0)
      const isLate = Effect.map(delay, (seconds) => seconds > 0.5)
      yield* eventually(
        "the event loop was late",
        Effect.andThen(
          Effect.sync(() => standStill(600)),
          Effect.andThen(oneTurn, isLate)
        )
      )
      yield* TestClock.adjust("10 seconds")
      for (let scraper = 0; scraper < 3; scraper++) expect(yield* isLate).toBe(true)
      yield* TestClock.adjust("10 seconds")
      expect(yield* isLate).toBe(false)
    })
)

it.effect("a label's value cannot end its line", () =>
  Effect.gen(function* () {
    const { text } = yield* start
    expect(yield* text).toContain('sluice_build_info{version="v\\"1\\"\\n\\\\"} 1')
    expect(() => Scrape.parse("ok 1\nnot a sample")).toThrow()
  })
)

it("a function whose name could do harm to a label or a log line has no name at all", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string(),
    fc.constantFrom('a"} 1\nevil 1', "a\nb", "a\\", 'a",x="', "{}", "a\u001b[31m", "__proto__\0")
  )
  fc.assert(
    fc.property(hostile, hostile, (name, namespace) => {
      const parsed = FunctionName.parse(`${name}.${namespace}`, "fn")
      if (Result.isSuccess(parsed)) expect(FunctionName.key(parsed.success)).toMatch(/^[\w.-]{3,192}$/)
    })
  )
})

it.effect("a scrape with 1,000 functions that have everything has less than 6 MB", () =>
  Effect.gen(function* () {
    const { metrics, text } = yield* start
    EveryMetric.fill(metrics, 1_000)
    const shown = yield* text
    expect(Scrape.parse(shown).length).toBeGreaterThan(24_000)
    expect(Buffer.byteLength(shown)).toBeLessThan(6_000_000)
  })
)
