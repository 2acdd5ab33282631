import * as fc from "fast-check"
import { expect, it } from "vitest"
import { PullWindow } from "../../src/worker/PullWindow.ts"
import { Slots } from "../../src/worker/Slots.ts"

/** An actor's window with what is known of it from outside. */
class Watched {
  readonly window: PullWindow
  open = 0
  running = 0
  stuck = 0

  constructor(slots: Slots) {
    this.window = new PullWindow(slots, () => {})
  }

  pull(limit: number, wanted: number): void {
    const asking = this.open > 0 ? 0 : wanted
    const granted = this.window.claim(limit, asking)
    const count = granted > 0 ? this.window.ask() : 0
    if (this.stuck > 0) expect(count).toBe(0)
    expect(this.running + this.stuck + count).toBeLessThanOrEqual(Math.max(limit, this.running + this.stuck))
    this.open += count
  }

  deliver(): void {
    if (this.open === 0) return
    this.window.delivered()
    this.open--
    this.running++
    if (this.open === 0) this.window.ended()
  }

  stick(): void {
    if (this.running === 0) return
    this.running--
    this.stuck++
    this.window.stuck()
  }

  settle(): void {
    if (this.running === 0) return
    this.running--
    this.window.settled()
  }

  store(): void {
    if (this.stuck === 0) return
    this.stuck--
    this.window.settled(true)
  }
}

const steps = fc.array(
  fc.record({
    do: fc.constantFrom("pull", "pull", "deliver", "deliver", "settle", "stick", "stick", "store"),
    who: fc.nat(2),
    limit: fc.nat(6),
    wanted: fc.nat(6)
  }),
  { maxLength: 80 }
)

it("a call with a result that cannot be stored stops its actor, not the others, and all comes back in the end", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), steps, (capacity, steps) => {
      const slots = new Slots(capacity)
      const actors = [0, 1, 2].map(() => new Watched(slots))
      for (const { do: what, limit, wanted, who } of steps) {
        const actor = actors[who]
        if (what === "pull") actor?.pull(limit, wanted)
        else if (what === "deliver") actor?.deliver()
        else if (what === "settle") actor?.settle()
        else if (what === "stick") actor?.stick()
        else actor?.store()
        const sum = (of: (actor: Watched) => number) => actors.reduce((total, each) => total + of(each), 0)
        const working = sum(({ open, running }) => open + running)
        const stuck = sum((actor) => actor.stuck)
        // What is in memory is bounded, and results that wait leave room to the others up to that.
        expect(working + stuck).toBeLessThanOrEqual(2 * capacity)
        expect(working + Math.max(0, stuck - capacity)).toBeLessThanOrEqual(capacity)
        expect(slots.free).toBeGreaterThanOrEqual(0)
      }
      for (const actor of actors) {
        while (actor.open > 0) actor.deliver()
        while (actor.running > 0) actor.settle()
        while (actor.stuck > 0) actor.store()
        actor.window.stop()
        expect(actor.window.idle).toBe(true)
      }
      expect(slots.free).toBe(capacity)
    })
  )
})

it("all slots are for others while an actor's calls are stuck", () => {
  const slots = new Slots(2)
  const [one, other] = [new Watched(slots), new Watched(slots)]
  one.pull(2, 2)
  one.deliver()
  one.deliver()
  one.stick()
  one.stick()
  other.pull(2, 2)
  expect(other.open).toBe(2)
  one.pull(2, 2)
  one.store()
  one.store()
  other.deliver()
  other.settle()
  one.pull(2, 2)
  expect(one.open).toBe(1)
})
