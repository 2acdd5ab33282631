import { MAX_LIMIT } from "../../../src/domain/limiter/Constants.ts"
import * as fc from "fast-check"
import type { Kind } from "../../../src/domain/limiter/Limiter.ts"
import { type Command, Model, type Plant, type Setup, type Step } from "./Model.ts"
import type { State } from "../../../src/domain/limiter/State.ts"

const seconds = (least: number, most: number): fc.Arbitrary<number> =>
  fc.integer({ min: Math.round(least * 1000), max: Math.round(most * 1000) }).map((millis) => millis / 1000)

export const kinds: ReadonlyArray<Kind> = [
  "success",
  "rejected",
  "neutral",
  "timeout",
  "unreachable",
  "cancelled"
]

const kind = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Kind>("success") },
  { weight: 3, arbitrary: fc.constant<Kind>("rejected") },
  { weight: 2, arbitrary: fc.constantFrom(...kinds) }
)

const retryAfter = fc.oneof(
  seconds(0, 90),
  fc.constantFrom(0, -1, 315_360_000, Number.NaN, Number.POSITIVE_INFINITY)
)

const respond = fc.record({
  _tag: fc.constant("Respond" as const),
  which: fc.nat({ max: 99 }),
  kind,
  delay: fc.oneof(fc.constant(0), seconds(0, 0.1), seconds(0, 2))
})

const news = fc.record({
  worker: fc.constantFrom("a", "b", "c"),
  holds: fc.nat({ max: 60 }),
  gives: fc.nat({ max: 10 }),
  wants: fc.boolean(),
  finds: fc.nat({ max: 3 }),
  turn: fc.double({ min: 0, max: 0.99, noNaN: true })
})

/** What the function and the caller do. */
const usual = {
  serve: fc.record({ _tag: fc.constant("Serve" as const), seconds: seconds(0, 2) }),
  dispatch: fc.record({ _tag: fc.constant("Dispatch" as const), most: fc.integer({ min: 1, max: 50 }) }),
  respond,
  retryAfter: fc
    .tuple(respond, retryAfter)
    .map(([command, seconds]): Command => Object.assign(command, { retryAfter: seconds })),
  respondAll: fc.record({ _tag: fc.constant("RespondAll" as const), kind }),
  repeat: fc.record({ _tag: fc.constant("Repeat" as const), which: fc.nat({ max: 20 }), kind }),
  tick: fc.constant<Command>({ _tag: "Tick" }),
  capacity: fc.record({ _tag: fc.constant("SetCapacity" as const), capacity: fc.nat({ max: 60 }) }),
  speed: fc.record({
    _tag: fc.constant("SetSpeed" as const),
    service: seconds(0.1, 2),
    rejection: fc.oneof(seconds(0.001, 0.02), seconds(0.001, 1.5))
  }),
  backlog: fc.record({
    _tag: fc.constant("SetBacklog" as const),
    waiting: fc.oneof(fc.nat({ max: 20 }), fc.constant(10_000))
  })
}

const told = {
  hint: fc.oneof(
    fc.constant<Command>({ _tag: "Hint" }),
    fc.record({ _tag: fc.constant("Hint" as const), replicas: fc.nat({ max: 20 }) })
  ),
  gossip: fc.record({ _tag: fc.constant("Gossip" as const), news })
}

const jump = fc.record({
  _tag: fc.constant("Jump" as const),
  seconds: fc.oneof(seconds(-5, 5), seconds(-500, 500), fc.constantFrom(-1e6, 1e6))
})

const some = (which: ReadonlyArray<fc.Arbitrary<Command>>): fc.Arbitrary<Command> =>
  fc.oneof(
    { weight: 4, arbitrary: usual.serve },
    { weight: 4, arbitrary: usual.dispatch },
    { weight: 6, arbitrary: usual.respond },
    ...which.map((arbitrary) => ({ weight: 1, arbitrary }))
  )

const quiet = [
  usual.respondAll,
  usual.tick,
  usual.capacity,
  usual.speed,
  usual.backlog,
  usual.retryAfter,
  usual.repeat
]

const plant: fc.Arbitrary<Plant> = fc.record({
  capacity: fc.nat({ max: 60 }),
  replicas: fc.constantFrom(1, 1, 1, 3, 10),
  service: seconds(0.1, 2),
  rejection: fc.oneof(seconds(0.001, 0.02), seconds(0.001, 1.5))
})

/** What the limiter knows after it has served a function for a while. */
export const after = (plant: Plant, seconds: number): State => {
  const model = new Model({ plant, waiting: 1_000_000 })
  model.serve(seconds)
  return model.state
}

const usualPlant: Plant = { capacity: 25, replicas: 1, service: 0.5, rejection: 0.005 }
/** Where a scenario begins: fresh, or in a state that a few commands do not lead to. */
const starts = {
  fresh: undefined,
  grown: after(usualPlant, 12),
  closed: after({ ...usualPlant, capacity: 0 }, 3),
  tolerant: after({ ...usualPlant, capacity: 40, replicas: 10 }, 40)
}

export interface Scenario extends Omit<Setup, "start"> {
  readonly start: keyof typeof starts
  readonly commands: ReadonlyArray<Command>
}

/** The limiter and its function before the first command. What was learnt is no smaller limit's. */
export const begin = (scenario: Scenario, watch?: (step: Step) => void): Model => {
  const start = starts[scenario.start]
  return new Model(
    { ...scenario, start, options: start === undefined ? (scenario.options ?? {}) : {} },
    watch
  )
}

const options = fc.record({
  seed: fc.nat(),
  maxLimit: fc.oneof(fc.constant(MAX_LIMIT), fc.integer({ min: 1, max: 30 }))
})

const scenarioOf = (command: fc.Arbitrary<Command>): fc.Arbitrary<Scenario> =>
  fc.record({
    plant,
    waiting: fc.oneof(fc.constant(10_000), fc.nat({ max: 30 })),
    start: fc.constantFrom<Scenario["start"]>("fresh", "grown", "closed", "tolerant"),
    commands: fc.array(command, { maxLength: 60, size: "max" }),
    options
  })

/** Whatever may happen to a limiter. */
export const anything = scenarioOf(some([...quiet, told.hint, told.gossip, jump]))
/** Nobody tells it anything, and its clock is right. */
export const alone = scenarioOf(some(quiet))
/** Nobody tells it anything. */
export const jumping = scenarioOf(some([...quiet, jump]))
