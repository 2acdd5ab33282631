import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { replicas, scenario } from "../../eval/scenarios/Scenario.ts"
import { constant } from "../../eval/scenarios/WorkTime.ts"
import { cell } from "../../eval/simulation/Cell.ts"
import { type Contender, halfJitter } from "../../eval/simulation/Contender.ts"
import { simulate } from "../../eval/simulation/Simulation.ts"
import type { Event, Limiter } from "../../src/domain/limiter/Limiter.ts"
import { pace } from "../../src/domain/limiter/Pace.ts"
import { FunctionModel } from "../support/FunctionModel.ts"
import { recording, type Step } from "../support/RecordingLimiter.ts"
import * as SimulatedWorker from "../support/SimulatedWorker.ts"

/** A function with so many places, which change, and calls that all take the same time. */
interface Plan {
  readonly seed: number
  readonly calls: number
  readonly workMillis: number
  readonly first: number
  readonly changes: ReadonlyArray<readonly [atMillis: number, places: number]>
}

/** Milliseconds from the worker to the function, and the same back. */
const NETWORK = 1

/** The same limiter, which is woken at whole milliseconds, `early` of one before. */
const wokenByMillis = <S>(limiter: Limiter<S>, early: number): Limiter<S> => ({
  ...limiter,
  wakeAt: (state) => (Math.ceil(limiter.wakeAt(state) * 1000 - 0.001) - early) / 1000
})

const inSimulator = ({ seed, calls, workMillis, first, changes }: Plan): ReadonlyArray<Step> => {
  const { limiter, steps } = recording(wokenByMillis(pace({ seed }), 0))
  const contender: Contender = {
    name: "recorded",
    title: "recorded",
    start: ({ now }) => cell(limiter, now),
    rejected: "hold",
    backoff: halfJitter,
    hinted: false,
    gossips: false
  }
  const backend = replicas(1, [[0, first], ...changes.map(([at, places]) => [at / 1000, places] as const)], {
    rejectLatency: 0
  })
  const plan = scenario("differential", "differential", { calls, work: constant(workMillis / 1000), backend })
  expect(simulate(plan, contender, seed).makespan).toBeDefined()
  return steps
}

const inActor = Effect.fnUntraced(function* ({ seed, calls, workMillis, first, changes }: Plan) {
  const { limiter, steps } = recording(wokenByMillis(pace({ seed }), 0.5))
  const model = new FunctionModel({ places: first, workMillis: () => workMillis })
  const { calls: queue } = yield* SimulatedWorker.start({ calls, model, limiter: () => limiter })
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

/** Milliseconds, with two digits of what is left of a fraction. */
const millis = (seconds: number): number => Math.round(seconds * 1e5) / 100

/**
 * Two things of one millisecond happen in no particular order, and each order is right: that a tick is due and an
 * answer comes, or that a call arrives at the function and another one leaves it.
 */
const hasOrder = (steps: ReadonlyArray<Step>): boolean => {
  const times = (is: (event: Event) => boolean) =>
    steps.filter(({ event }) => is(event)).map(({ at }) => millis(at))
  const due = new Set(steps.map(({ wakeAt }) => millis(wakeAt)))
  const answers = new Set(times(({ _tag }) => _tag === "Answered"))
  const arrive = new Set(times(({ _tag }) => _tag === "Dispatched").map((at) => at + NETWORK))
  const leave = new Set(
    times((event) => event._tag === "Answered" && event.kind === "success").map((at) => at - NETWORK)
  )
  return due.isDisjointFrom(answers) && arrive.isDisjointFrom(leave)
}

const outline = (steps: ReadonlyArray<Step>) =>
  steps.map((step) => [millis(step.at), step.event._tag, step.limit] as const)

const plan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(),
  calls: fc.integer({ min: 1, max: 300 }),
  workMillis: fc.integer({ min: 100, max: 2000 }),
  first: fc.nat(12),
  // Between milliseconds, where nothing else happens. At last there is room, or no run would end.
  changes: fc
    .array(fc.tuple(fc.nat(8000), fc.nat(40)), { maxLength: 4 })
    .map((changes) => changes.map(([at, places]) => [at + 0.5, places] as const))
    .map((changes) => changes.toSorted(([one], [other]) => one - other).concat([[8001.5, 10]]))
})

it.effect(
  "the whole actor has the same limits at the same times as the same limiter in eval's simulator",
  () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(plan, async (plan) => {
          const simulated = inSimulator(plan)
          fc.pre(hasOrder(simulated))
          const acted = await inActor(plan).pipe(
            Effect.scoped,
            Effect.provide(TestClock.layer()),
            Effect.runPromise
          )
          // The simulator ends with the last call; a round that is open then ends a moment later.
          expect(outline(acted.slice(0, simulated.length))).toEqual(outline(simulated))
          expect(acted.slice(simulated.length).every(({ event }) => event._tag === "Tick")).toBe(true)
        }),
        { numRuns: 50 }
      )
    )
)
