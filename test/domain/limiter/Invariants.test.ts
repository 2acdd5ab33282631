import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  JITTER,
  LOSS_MIN,
  PAUSE_MAX,
  PROBE_MAX,
  RAMP_MOST,
  TOLERANCE_GAIN,
  TOLERATED
} from "../../../src/domain/limiter/Constants.ts"
import { pace } from "../../../src/domain/limiter/Pace.ts"
import * as Silence from "../../../src/domain/limiter/Silence.ts"
import type { State } from "../../../src/domain/limiter/State.ts"
import type { Model, Step } from "./Model.ts"
import { alone, anything, begin, jumping, kinds, type Scenario } from "./scenarios.ts"

const ROUNDING = 1e-6

type Check = (step: Step, model: Model) => boolean

/** The first step of a scenario that breaks an invariant, or nothing. `make` makes a check for one run. */
const broken = (scenario: Scenario, make: () => Check): Step | undefined => {
  const check = make()
  let first: Step | undefined
  const model: Model = begin(scenario, (step) => {
    if (first === undefined && !check(step, model)) first = step
  })
  for (const command of scenario.commands) if (first === undefined) model.run(command)
  return first
}

const invariant = (
  name: string,
  scenarios: fc.Arbitrary<Scenario>,
  make: () => Check,
  found: ReadonlyArray<Scenario> = []
): void =>
  it(name, () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        expect(broken(scenario, make)).toBeUndefined()
      }),
      {
        numRuns: 200,
        examples: found.map((scenario) => [scenario] as [Scenario])
      }
    )
  })

const numbers = (value: unknown): ReadonlyArray<number> => {
  if (typeof value === "number") return [value]
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbers) : []
}

const hasYielded = ({ after, before }: Step): boolean =>
  after.learned.others.yieldedAt !== before.learned.others.yieldedAt

const hasOpened = ({ after, event, settled }: Step): boolean =>
  event._tag === "Dispatched" && settled.round === null && after.round !== null

const isCharged = ({ event, settled }: Step): boolean =>
  event._tag === "Answered" &&
  event.seq > settled.learned.evidence.cutSeq &&
  settled.round !== null &&
  settled.round.rejected < settled.round.sent

const isOld = ({ event, settled }: Step): boolean =>
  event._tag === "Answered" && event.seq <= settled.learned.evidence.cutSeq

// Found by these properties.
const unreachableWhileTolerant: Scenario = {
  plant: { capacity: 30, replicas: 1, service: 0.1, rejection: 0.001 },
  waiting: 10_000,
  start: "tolerant",
  commands: [
    { _tag: "Dispatch", most: 3 },
    { _tag: "RespondAll", kind: "unreachable" }
  ]
}
const lossWhileYielding: Scenario = {
  plant: { capacity: 1, replicas: 1, service: 0.1, rejection: 0.001 },
  waiting: 7,
  start: "grown",
  commands: [
    { _tag: "Serve", seconds: 1.382 },
    { _tag: "Serve", seconds: 0.001 }
  ]
}

describe("PACE, whatever happens", () => {
  invariant(
    "1: no call leaves beyond the limit (an experiment lowers it while calls leave that had room), it is a whole number up to maxLimit, and all of the state is numbers",
    anything,
    () => (step, model) => {
      const { after, context, event } = step
      const limit = model.limiter.limit(after)
      return (
        (event._tag !== "Dispatched" ||
          context.inFlight <= Math.max(limit, Math.floor(after.tolerance?.level ?? 0))) &&
        limit <= model.options.maxLimit &&
        Number.isInteger(after.confirmed) &&
        after.confirmed >= 0 &&
        after.confirmed <= model.options.maxLimit &&
        numbers(after).every(Number.isFinite)
      )
    }
  )

  invariant(
    "2: a round opens only when exactly the confirmed calls are in flight",
    anything,
    () => (step) => !hasOpened(step) || step.context.inFlight - 1 === step.settled.confirmed
  )

  invariant(
    "3: an answer to a call that left before the latest cut never cuts again, while anything is in flight and can be reached",
    anything,
    () => (step) => {
      const { after, context, event, settled } = step
      if (event._tag === "Answered" && event.kind === "unreachable") return true
      if (!isOld(step) || context.inFlight === 0 || settled.tolerance !== null || hasYielded(step))
        return true
      const isRejection = event._tag === "Answered" && event.kind === "rejected"
      const kept = isRejection || settled.loss !== null ? context.inFlight - 1 : settled.confirmed
      return (
        after.learned.evidence.cutSeq === settled.learned.evidence.cutSeq &&
        after.confirmed >= Math.min(settled.confirmed, kept)
      )
    }
  )

  invariant(
    "4: after a rejection no more is confirmed than is in flight, unless a round of probes explains it",
    anything,
    () => (step) => {
      const { after, context, event, settled } = step
      if (event._tag !== "Answered" || event.kind !== "rejected" || settled.tolerance !== null) return true
      return isCharged(step) || after.confirmed <= context.inFlight
    }
  )

  invariant("5: no more is confirmed than was ever in flight, and one", anything, () => {
    let peak = 0
    return ({ after, before, context }) => {
      if (peak === 0) peak = before.confirmed
      peak = Math.max(peak, context.inFlight)
      const tolerated = after.tolerance === null ? 0 : Math.ceil(TOLERATED * TOLERANCE_GAIN * after.confirmed)
      return after.confirmed <= peak + 1 + tolerated
    }
  })

  invariant(
    "5: with an empty queue and no open round it asks for no tick",
    anything,
    () =>
      ({ after, context }, model) =>
        context.waiting > 0 ||
        after.round !== null ||
        model.limiter.wakeAt(after) === Number.POSITIVE_INFINITY
  )

  invariant(
    "6: only rejections, timeouts and unreachability lower what is confirmed, where silence tells; in a loss it follows what is in flight",
    anything,
    () => (step) => {
      const { after, context, event, settled } = step
      if (event._tag !== "Answered" || event.kind === "rejected" || event.kind === "timeout") return true
      if (event.kind === "unreachable" || hasYielded(step) || !Silence.isTelling(settled)) return true
      const least = settled.loss === null ? settled.confirmed : context.inFlight - 1
      return after.confirmed >= Math.min(settled.confirmed, least)
    }
  )

  invariant(
    "6: a failure that is no rejection never lowers what is confirmed, whatever came before it and whether silence tells or not; in a loss it follows what is in flight",
    anything,
    () => (step) => {
      const { after, context, event, settled } = step
      if (event._tag !== "Answered" || event.kind !== "neutral" || hasYielded(step)) return true
      const least = settled.loss === null ? settled.confirmed : context.inFlight - 1
      return after.confirmed >= Math.min(settled.confirmed, least)
    }
  )

  invariant(
    "7: of a closed function at most one call is in flight",
    anything,
    () =>
      ({ context, event, settled }) =>
        event._tag !== "Dispatched" || settled.confirmed > 0 || context.inFlight === 1
  )

  invariant(
    "7: after a rejection that leaves nothing in flight no call leaves for a moment, unless it is told something",
    alone,
    () => {
      let closedAt = Number.NEGATIVE_INFINITY
      return ({ after, context, event, time }) => {
        if (event._tag === "Dispatched" && time < closedAt + (1 - JITTER) * LOSS_MIN - ROUNDING) return false
        const isRejection = event._tag === "Answered" && event.kind === "rejected"
        if (isRejection && context.inFlight === 0 && after.confirmed === 0) closedAt = time
        return true
      }
    }
  )

  invariant(
    "9: nothing leaves while the function has asked to be left alone, and that is a minute at most",
    anything,
    () =>
      ({ after, event, settled, time }) => {
        const until = settled.loss?.pausedUntil ?? time
        if (event._tag === "Dispatched" && time < until - ROUNDING) return false
        return (after.loss?.pausedUntil ?? time) <= time + PAUSE_MAX + ROUNDING
      }
  )

  invariant(
    "10: a rejection in place of a success never leaves a larger limit",
    anything,
    () => (step, model) => {
      const { before, context, event, now, settled } = step
      if (event._tag !== "Answered" || event.kind !== "success" || !Silence.isTelling(settled)) return true
      const worse = { inFlight: context.inFlight, waiting: context.waiting + 1 }
      const rejected = model.limiter.step(before, { ...event, kind: "rejected" }, now, worse)
      return hasYielded(step) || model.limiter.limit(rejected) <= model.limiter.limit(step.after)
    }
  )

  invariant(
    "11: a round adds a quarter at most, half at the start, and on the way back as much again, up to what was there before",
    anything,
    () => (step) => {
      const { after, settled } = step
      if (!hasOpened(step) || after.round === null) return true
      const { confirmed, ramp } = settled
      const { size } = after.round
      if (ramp.returnTo > confirmed)
        return size <= Math.max(1, confirmed) && confirmed + size <= ramp.returnTo
      const isStarting = settled.learned.evidence.rejectLatency === 0
      return size <= Math.max(1, Math.floor(confirmed * (isStarting ? 0.5 : RAMP_MOST)))
    }
  )

  invariant(
    "11: only rounds raise what is confirmed, and they last from the last probe until silence tells",
    anything,
    () => {
      let confirmableAt = Number.NEGATIVE_INFINITY
      return ({ after, event, settled, time }) => {
        if (after.tolerance === null && after.confirmed > settled.confirmed && settled.round === null)
          return false
        if (event._tag === "Dispatched" && after.round !== null) {
          if (after.round !== settled.round) confirmableAt = time + Silence.sense(settled)
          return after.round.deadline >= confirmableAt - ROUNDING
        }
        return true
      }
    },
    [lossWhileYielding]
  )

  invariant(
    "a hint is never trusted: it moves no limit by itself",
    anything,
    () =>
      ({ after, event, settled }, model) =>
        event._tag !== "Hint" ||
        (after.confirmed === settled.confirmed && model.limiter.limit(after) === model.limiter.limit(settled))
  )

  it("12: a call that comes back frees its permit, also when all are broken off at once", () => {
    fc.assert(
      fc.property(anything, fc.constantFrom(...kinds), (scenario, kind) => {
        const model = begin(scenario)
        for (const command of scenario.commands) {
          model.run(command)
          expect(model.dispatches).toBe(model.answers + model.calls.length)
        }
        model.run({ _tag: "RespondAll", kind })
        expect(model.room).toBeGreaterThanOrEqual(model.state.confirmed)
        model.plant = { ...model.plant, capacity: 1000, replicas: 1, rejection: 0.01 }
        model.waiting = 1000
        // As the caller does when work is new; and its timers count seconds, whatever its clock shows.
        model.run({ _tag: "Tick" })
        const before = model.dispatches
        model.serve(PAUSE_MAX + PROBE_MAX)
        expect(model.dispatches).toBeGreaterThan(before)
      }),
      { numRuns: 50, examples: [[unreachableWhileTolerant, "success"]] }
    )
  })

  invariant(
    "13: however the clock jumps, no tick is further away than a minute, when nobody tells it anything",
    jumping,
    () =>
      ({ after, now }, model) => {
        const wakeAt = model.limiter.wakeAt(after)
        return wakeAt === Number.POSITIVE_INFINITY || wakeAt <= now + PAUSE_MAX + ROUNDING
      }
  )

  it("14: the same seed and events give the same state, also after each state went through JSON", () => {
    fc.assert(
      fc.property(anything, (scenario) => {
        const steps: Array<Step> = []
        const model = begin(scenario, (step) => steps.push(step))
        const first = model.state
        for (const command of scenario.commands) model.run(command)
        const limiter = pace(model.options)
        const again = steps.reduce<State>(
          (state, { context, event, now }) =>
            JSON.parse(JSON.stringify(limiter.step(state, event, now, context))),
          first
        )
        expect(again).toEqual(model.state)
      }),
      { numRuns: 50 }
    )
  })
})
