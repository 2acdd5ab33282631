import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Demand } from "../../src/worker/Demand.ts"
import { PullWindow } from "../../src/worker/PullWindow.ts"
import { Slots } from "../../src/worker/Slots.ts"

/** An actor's window with what is known of it from outside: what it asked for and what became of that. */
class Watched {
  readonly demand = new Demand()
  readonly window: PullWindow
  /** asked for, and not come */
  open = 0
  running = 0
  /** rejected, waiting for a permit */
  held = 0
  /** the limit in force when it last asked */
  limitWhenAsked = 0
  /** told to look since it last did */
  mayPull = false

  constructor(slots: Slots) {
    this.window = new PullWindow(slots, () => {
      this.mayPull = true
    })
  }

  get inUse(): number {
    return this.open + this.running
  }

  pull(limit: number): void {
    this.mayPull = false
    const openBefore = this.open
    const asking = openBefore > 0 ? 0 : this.demand.expected
    let permits = this.window.claim(limit, this.held + asking)
    for (; permits > 0 && this.held > 0; permits--) {
      this.held--
      this.running++
      this.window.resume()
      expect(this.inUse).toBeLessThanOrEqual(limit)
      this.limitWhenAsked = limit
    }
    const count = permits > 0 ? this.window.ask() : 0
    if (count === 0) return
    expect(openBefore).toBe(0)
    expect(count).toBeLessThanOrEqual(this.demand.expected)
    expect(this.running + count).toBeLessThanOrEqual(limit)
    this.open = count
    this.limitWhenAsked = limit
  }

  deliver(pending: number): void {
    expect(this.window.delivered()).toBe(this.open > 0)
    if (this.open === 0) return
    this.demand.delivered(pending)
    this.open--
    this.running++
    // The last one asked for ends the request.
    if (this.open === 0) this.window.ended()
  }

  settle(): void {
    if (this.running === 0) return
    this.running--
    this.window.settled()
  }

  reject(): void {
    if (this.running === 0) return
    this.settle()
    this.held++
  }

  end(): void {
    if (this.open === 0) return
    this.open = 0
    this.demand.nothingThere()
    this.window.ended()
  }
}

const isBusy = ({ mayPull, inUse, held }: Watched) => mayPull || inUse > 0 || held > 0

const who = fc.nat(2)
const count = fc.nat(8)
const step = fc.oneof(
  fc.record({ do: fc.constant("work" as const), who, count }),
  { arbitrary: fc.record({ do: fc.constant("pull" as const), who, count }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant("deliver" as const), who, count }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant("settle" as const), who, count }), weight: 2 },
  { arbitrary: fc.record({ do: fc.constant("reject" as const), who, count }), weight: 2 },
  fc.record({ do: fc.constant("end" as const), who, count }),
  fc.record({ do: fc.constant("stop" as const), who, count })
)
type Step = typeof step extends fc.Arbitrary<infer A> ? A : never

const take = (actor: Watched, step: Step): void => {
  switch (step.do) {
    case "work":
      return actor.demand.atLeast(step.count)
    case "pull":
      return actor.pull(step.count)
    case "deliver":
      return actor.deliver(step.count)
    case "settle":
      return actor.settle()
    case "reject":
      return actor.reject()
    case "end":
      return actor.end()
    case "stop":
      return actor.window.stop()
  }
}

/** Plays the steps on three actors that share the slots. */
const play = (
  capacity: number,
  steps: ReadonlyArray<Step>,
  afterEach: (actors: ReadonlyArray<Watched>, slots: Slots) => void
) => {
  const slots = new Slots(capacity)
  const actors = [new Watched(slots), new Watched(slots), new Watched(slots)]
  for (const step of steps) {
    const actor = actors[step.who]
    if (actor === undefined) continue
    take(actor, step)
    afterEach(actors, slots)
  }
  return { slots, actors }
}

const capacities = fc.nat(12)
const steps = fc.array(step, { maxLength: 100 })
const sumOf = (actors: ReadonlyArray<Watched>) => actors.reduce((sum, { inUse }) => sum + inUse, 0)

describe("PullWindow", () => {
  it("asks only within the limit of that moment, and what it asked for and runs never exceeds it", () => {
    fc.assert(
      fc.property(capacities, steps, (capacity, steps) => {
        play(capacity, steps, (actors) => {
          for (const actor of actors) {
            expect(actor.inUse).toBeLessThanOrEqual(actor.limitWhenAsked)
            expect([actor.window.asked, actor.window.running]).toEqual([actor.open, actor.running])
          }
        })
      })
    )
  })

  it("has a slot for everything it asked for and runs, so that all together keep max_inflight", () => {
    fc.assert(
      fc.property(capacities, steps, (capacity, steps) => {
        play(capacity, steps, (actors, slots) => {
          expect(slots.free).toBeGreaterThanOrEqual(0)
          expect(sumOf(actors) + slots.free).toBeLessThanOrEqual(capacity)
        })
      })
    )
  })

  it("keeps no slot when nothing is waiting, open or running", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), steps, (capacity, steps) => {
        const { actors, slots } = play(capacity, steps, () => {})
        for (let rounds = 0; actors.some(isBusy); rounds++) {
          expect(rounds).toBeLessThan(1_000)
          for (const actor of actors) {
            while (actor.running > 0) actor.settle()
            actor.end()
            actor.pull(8)
          }
        }
        expect(actors.map(({ window }) => window.idle)).toEqual([true, true, true])
        expect(slots.free).toBe(capacity)
      })
    )
  })

  it("gives everything back when it leaves, whatever it was doing", () => {
    fc.assert(
      fc.property(capacities, steps, (capacity, steps) => {
        const { actors, slots } = play(capacity, steps, () => {})
        for (const { window } of actors) window.leave()
        expect(slots.free).toBe(capacity)
      })
    )
  })

  it("uses a limit that has grown at once, and one that has shrunk as its calls end", () => {
    const slots = new Slots(10)
    const actor = new Watched(slots)
    actor.demand.atLeast(20)
    actor.pull(3)
    expect(actor.open).toBe(3)
    for (let n = 0; n < 3; n++) actor.deliver(20)
    actor.pull(5)
    expect(actor.open).toBe(2)
    actor.deliver(20)
    actor.deliver(20)
    expect(actor.running).toBe(5)

    for (const free of [6, 7, 8]) {
      actor.settle()
      actor.pull(2)
      expect([actor.open, slots.free]).toEqual([0, free])
    }
    actor.settle()
    actor.pull(2)
    expect([actor.open, actor.running, slots.free]).toEqual([1, 1, 8])
  })

  it("gives back what it was granted under a limit that has shrunk since", () => {
    const slots = new Slots(4)
    const [busy, waiting] = [new Watched(slots), new Watched(slots)]
    busy.demand.atLeast(4)
    busy.pull(4)
    for (let n = 0; n < 4; n++) busy.deliver(0)
    waiting.demand.atLeast(4)
    waiting.pull(4)
    for (let n = 0; n < 3; n++) busy.settle()
    expect(slots.free).toBe(0)
    waiting.pull(1)
    expect([waiting.open, slots.free]).toEqual([1, 2])
  })

  it("does not count a call that nobody asked for", () => {
    const slots = new Slots(1)
    const actor = new Watched(slots)
    actor.deliver(0)
    expect([actor.window.running, actor.window.idle, slots.free]).toEqual([0, true, 1])
  })
})
