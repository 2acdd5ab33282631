import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { vi } from "vitest"
import type { CallPlan, Plan } from "./World.ts"
import * as ModelWorker from "./ModelWorker.ts"
import type { FunctionScript } from "./Parties.ts"
import type { Fault } from "./Wire.ts"
import * as World from "./World.ts"

const functionScript: fc.Arbitrary<FunctionScript> = fc.record({
  failures: fc.array(fc.constantFrom("error", "error", "no room", "hang"), { maxLength: 4 }),
  finally: fc.constantFrom("success", "success", "refusal"),
  workMillis: fc.constantFrom(1, 100, 2_000, 12_000),
  resultBytes: fc.constantFrom(0, 10, 3_000)
})

const call: fc.Arbitrary<CallPlan> = fc.record({
  atMillis: fc.nat(8_000),
  function: functionScript,
  receiver: fc.option(
    fc.record({
      failures: fc.array(fc.constantFrom("error", "hang"), { maxLength: 4 }),
      finally: fc.constantFrom("taken", "taken", "gone")
    }),
    { nil: undefined, freq: 4 }
  )
})

const planWith = (faults: ReadonlyArray<Fault>, most: number): fc.Arbitrary<Plan> =>
  fc.record({
    calls: fc.array(call, { minLength: 1, maxLength: 6 }),
    faults: fc.array(fc.tuple(fc.nat(90), fc.constantFrom(...faults)), { maxLength: most }),
    limit: fc.integer({ min: 1, max: 4 }),
    adaptive: fc.boolean(),
    seed: fc.nat(),
    graceMillis: fc.constantFrom(0, 3_000, 60_000),
    maxCallAge: fc.constantFrom(3_600_000, 3_600_000, 20_000)
  })

/** How often a call is tried, and whether that is in vain, when nothing strikes. */
const undisturbed = (
  { failures }: FunctionScript,
  holdsRejected: boolean,
  maxAttempts = ModelWorker.callPolicy.maxAttempts
) => {
  let attempts = 0
  for (const [index, failure] of failures.entries()) {
    if (failure === "no room" && holdsRejected) continue
    attempts++
    if (attempts > maxAttempts) return { attempts, invocations: index + 1, dead: true }
  }
  return { attempts: attempts + 1, invocations: failures.length + 1, dead: false }
}

/**
 * Each fault takes away the end of one execution, and an attempt with it, or makes a finished call run again. A lost
 * consumer may do so twice: what is said to it of a call that runs elsewhere meanwhile, the new one takes as said to it.
 */
const mostExecutions = (script: FunctionScript, holdsRejected: boolean, faults: number): number => {
  const { maxAttempts } = ModelWorker.callPolicy
  const counts = Array.from(
    { length: faults + 1 },
    (_, lost) => undisturbed(script, holdsRejected, maxAttempts + lost).invocations + faults - lost
  )
  return Math.max(...counts)
}

type Ended = Effect.Success<ReturnType<typeof World.run>>

const promises = (plan: Plan, { server, violations }: Ended) => {
  const { callbacks, letters, scripted, wire } = server
  const faults = wire.struck.filter((fault) => fault !== "stop").length
  const forgotten = wire.struck.filter((fault) => fault === "forget").length
  expect(violations).toEqual([])
  if (faults === 0) expect(server.calls.mostBlamed, "unfinished deliveries").toBe(0)
  expect(scripted.mostInFlight).toBeLessThanOrEqual(plan.limit)
  expect(scripted.twiceAtOnce, "executed by a worker that was executing them").toEqual([])

  plan.calls.forEach((call, index) => {
    const id = World.idOf(index)
    const expected = undisturbed(call.function, plan.adaptive)
    const results = callbacks.stored.filter(({ data }) => ModelWorker.resultOf(data).callId === id)
    expect(new Set(results.map((result) => result.id)).size, `ids of results of ${id}`).toBe(
      call.receiver === undefined ? 0 : 1
    )
    const invocations = scripted.invocations.filter((other) => other === id).length
    const letter = [...letters.values()].find(
      ({ headers }) => headers["Sluice-Call-Id"] === id && headers["Sluice-Kind"] === undefined
    )
    const reason = letter?.headers["Sluice-Reason"]
    expect(["exhausted", "expired", "unfinished", undefined]).toContain(reason)
    if (reason === "exhausted") {
      expect(scripted.failed.get(id)).toBeGreaterThan(ModelWorker.callPolicy.maxAttempts)
    }
    if (reason === "expired") {
      const { "Sluice-Accepted": accepted = "", "Sluice-Dead": dead = "" } = letter?.headers ?? {}
      expect(Date.parse(dead) - Date.parse(accepted)).toBeGreaterThan(plan.maxCallAge)
    }
    if (reason === "unfinished") expect(faults).toBeGreaterThanOrEqual(ModelWorker.MAX_UNFINISHED)
    expect(invocations, `executions of ${id}`).toBeLessThanOrEqual(
      mostExecutions(call.function, plan.adaptive, wire.struck.length + forgotten)
    )
    if (wire.struck.length > 0 || reason === "expired") return

    expect(invocations, `executions of ${id}`).toBe(expected.invocations)
    expect(reason).toBe(expected.dead ? "exhausted" : undefined)
    if (expected.dead) expect(letter?.headers["Sluice-Attempts"]).toBe(String(expected.attempts))
    for (const { data } of results) {
      const result = ModelWorker.resultOf(data)
      if ("headers" in result) expect(result.headers["X-Retry"]).toEqual([String(expected.attempts - 1)])
    }
  })
}

vi.setConfig({ testTimeout: 120_000 })

const holdsFor = (plans: fc.Arbitrary<Plan>, numRuns: number) =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const ended = await World.run(plan).pipe(
          Effect.scoped,
          Effect.provide(TestClock.layer()),
          Effect.runPromise
        )
        try {
          promises(plan, ended)
        } catch (error) {
          throw new Error(`${String(error)}\n${ended.server.wire.history.join("\n")}`, { cause: error })
        }
      }),
      { numRuns }
    )
  )

/**
 * Tried by hand, and caught by all three: acknowledged before the result is stored; stored without waiting for the
 * confirmation. By the second and the third: nothing said about running calls when the worker is told to stop. By the
 * second: calls that are under way to it then not waited for.
 */
describe("two workers under the test's clock", () => {
  it.effect("do exactly what functions and receivers make them do when nothing strikes", () =>
    holdsFor(planWith(["stop"], 0), 30)
  )

  it.effect(
    "blame no call and lose no delivery when they are told to stop, with or without time to end",
    () => holdsFor(planWith(["stop"], 4), 60)
  )

  it.effect("keep every promise while up to four faults strike anywhere", () =>
    holdsFor(
      planWith(
        [
          "die before",
          "die after",
          "lose",
          "lose answer",
          "delay",
          "duplicate",
          "redeliver",
          "forget",
          "stop"
        ],
        4
      ),
      120
    )
  )
})
