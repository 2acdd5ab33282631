import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { pace } from "../../src/domain/limiter/Pace.ts"
import { FunctionModel } from "../support/FunctionModel.ts"
import * as PlainRun from "../support/PlainRun.ts"
import { recording } from "../support/RecordingLimiter.ts"
import * as SimulatedWorker from "../support/SimulatedWorker.ts"

const limiter = (maxLimit: number) => pace({ maxLimit, seed: 7 })
const tenYearsMillis = 10 * 365 * 24 * 3_600_000

/** Times of work that differ from call to call. */
const spread = (least: number, range: number) => (id: string) =>
  least + ((Number(id.replace("call-", "")) * 7919) % range)

/** Runs a property of programs, each with a clock of its own. */
const forAll = <A>(arbitrary: fc.Arbitrary<A>, check: (value: A) => SimulatedWorker.Program) =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(arbitrary, (value) =>
        check(value).pipe(Effect.scoped, Effect.provide(TestClock.layer()), Effect.runPromise)
      ),
      { numRuns: 50 }
    )
  )

interface Scenario {
  readonly calls: number
  readonly least: number
  readonly range: number
  readonly seed: number
  readonly maxLimit: number
  readonly changes: ReadonlyArray<readonly [at: number, places: number]>
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  calls: fc.integer({ min: 1, max: 150 }),
  least: fc.integer({ min: 5, max: 2000 }),
  range: fc.integer({ min: 1, max: 1000 }),
  seed: fc.nat(),
  maxLimit: fc.integer({ min: 1, max: 60 }),
  // Between milliseconds, where nothing else happens. At last there is room, or no run would end.
  changes: fc
    .array(fc.tuple(fc.nat(8000), fc.nat(20)), { maxLength: 6 })
    .map((changes) => changes.map(([at, places]) => [at + 0.5, places] as const))
    .map((changes) => changes.toSorted(([one], [other]) => one - other).concat([[8001.5, 3]]))
})

/** What the actor's limiter was told and what it made of it. */
const asActor = Effect.fnUntraced(function* ({ calls, least, range, seed, maxLimit, changes }: Scenario) {
  const { limiter, steps } = recording(pace({ maxLimit, seed }))
  const model = new FunctionModel({ places: 0, workMillis: spread(least, range) })
  const { calls: queue } = yield* SimulatedWorker.start({
    calls,
    model,
    limiter: () => limiter,
    maxInflight: maxLimit
  })
  let now = 0
  for (const [at, places] of changes) {
    yield* TestClock.adjust(at - now)
    now = at
    model.places = places
  }
  yield* TestClock.adjust("30 minutes")
  expect(queue.done).toHaveLength(calls)
  return steps
})

/** The same limiter without an actor. */
const asReducer = ({ calls, least, range, seed, maxLimit, changes }: Scenario) => {
  const { limiter, steps } = recording(pace({ maxLimit, seed }))
  PlainRun.run(limiter, { calls, places: changes, workMillis: spread(least, range) })
  return steps
}

describe("the whole actor", () => {
  it.effect("gives the same limits at the same times as the reducer driven directly", () =>
    forAll(scenario, (scenario) =>
      Effect.gen(function* () {
        const [whole, plain] = [yield* asActor(scenario), asReducer(scenario)]
        expect(whole.map(({ at, limit }) => [at, limit])).toEqual(plain.map(({ at, limit }) => [at, limit]))
        expect(whole).toEqual(plain)
      })
    )
  )

  it.effect("is replayed by its events alone", () =>
    forAll(scenario, (scenario) =>
      Effect.gen(function* () {
        const { initial, step, limit } = pace({ maxLimit: scenario.maxLimit, seed: scenario.seed })
        let state = initial(0)
        for (const recorded of yield* asActor(scenario)) {
          state = step(state, recorded.event, recorded.at, recorded.context)
          expect([limit(state), state]).toEqual([recorded.limit, recorded.state])
        }
      })
    )
  )
})

describe("a function that answers 429", () => {
  it.effect("a hundred times still gets its call, which has used no attempt", () =>
    Effect.gen(function* () {
      const model = new FunctionModel({
        places: 1,
        workMillis: () => 50,
        refuses: (attempt) => attempt <= 100
      })
      const { calls, deadLetters } = yield* SimulatedWorker.start({
        calls: 1,
        model,
        limiter,
        maxRetryAttempts: 0
      })
      yield* TestClock.adjust("10 minutes")
      expect([model.refused.length, model.attempts.length]).toEqual([100, 101])
      expect([calls.done, calls.deliveries, deadLetters]).toEqual([["call-0"], 1, []])
    })
  )

  it.effect("for ever gets one call at a time, and a few a second at most", () =>
    Effect.gen(function* () {
      const model = new FunctionModel({ places: 0, workMillis: () => 50 })
      const { calls, slots } = yield* SimulatedWorker.start({ calls: 100, model, limiter })
      yield* TestClock.adjust("1 hour")
      expect(model.mostOut).toBe(1)
      expect(calls.deliveries).toBe(1)
      const times = model.attempts.map(({ sentAt }) => sentAt)
      const inSecondFrom = (from: number) => times.filter((at) => at >= from && at < from + 1).length
      expect(Math.max(...times.map(inSecondFrom))).toBeLessThanOrEqual(4)
      expect(slots.free).toBe(slots.capacity)

      model.places = 5
      yield* TestClock.adjust("1 minute")
      expect(calls.done).toHaveLength(100)
      expect(calls.done[0]).toBe("call-0")
    })
  )

  it.effect.each([0, 1, 1000, tenYearsMillis, Number.MAX_SAFE_INTEGER])(
    "and Retry-After: %d ms is called again after a minute at most",
    (retryAfterMillis) =>
      Effect.gen(function* () {
        const model = new FunctionModel({ places: 0, workMillis: () => 50, retryAfterMillis })
        const { calls } = yield* SimulatedWorker.start({ calls: 20, model, limiter })
        yield* TestClock.adjust("10 seconds")
        expect(model.mostOut).toBe(1)
        model.places = 20
        yield* TestClock.adjust("65 seconds")
        expect(calls.done).toHaveLength(20)
      })
  )
})

it.effect("an actor that is interrupted, at any time, keeps no slot and no call", () =>
  forAll(
    fc.record({
      after: fc.nat(20_000),
      places: fc.nat(12),
      maxInflight: fc.integer({ min: 1, max: 20 }),
      workMillis: fc.integer({ min: 1, max: 5000 }),
      answerMillis: fc.nat(1000)
    }),
    ({ after, places, maxInflight, workMillis, answerMillis }) =>
      Effect.gen(function* () {
        const model = new FunctionModel({ places, workMillis: () => workMillis })
        const recorded = recording(limiter(maxInflight))
        const { calls, slots, fiber } = yield* SimulatedWorker.start({
          calls: 200,
          model,
          limiter: () => recorded.limiter,
          maxInflight
        })
        calls.answerMillis = answerMillis
        yield* TestClock.adjust(after)
        const interrupted = yield* Effect.forkChild(Fiber.interrupt(fiber))
        // What was asked for when it was interrupted still comes, and goes back.
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.join(interrupted)
        expect(slots.free).toBe(maxInflight)
        expect([calls.unsettled, calls.done.length + calls.waiting]).toEqual([0, 200])

        // Every call that left has come back exactly once, also for the limiter.
        const seqs = (tag: "Dispatched" | "Answered") =>
          recorded.steps
            .flatMap(({ event }) => (event._tag === tag ? [event.seq] : []))
            .toSorted((a, b) => a - b)
        expect(seqs("Answered")).toEqual(seqs("Dispatched"))
        if (recorded.steps.length > 0) expect(recorded.steps.at(-1)?.context.inFlight).toBe(0)
      })
  )
)
