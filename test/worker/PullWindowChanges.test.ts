import * as fc from "fast-check"
import { expect, it } from "vitest"
import { Demand } from "../../src/worker/Demand.ts"
import { PullWindow } from "../../src/worker/PullWindow.ts"
import { Slots } from "../../src/worker/Slots.ts"

/** An actor that pulls only when its window says so, and the queue it pulls from. */
class Obedient {
  readonly #demand = new Demand()
  readonly #window: PullWindow
  readonly #limit: number
  waiting: number
  #told = true
  #open = 0
  #running = 0

  constructor(slots: Slots, limit: number, waiting: number) {
    this.#window = new PullWindow(slots, () => {
      this.#told = true
    })
    this.#limit = limit
    this.waiting = waiting
    this.#demand.atLeast(waiting)
  }

  /** What can happen next. */
  get possible(): ReadonlyArray<() => void> {
    return [
      ...(this.#told ? [() => this.#pull()] : []),
      ...(this.#open > 0 ? [() => this.#answer()] : []),
      ...(this.#running > 0 ? [() => this.#settle()] : [])
    ]
  }

  #pull(): void {
    this.#told = false
    const asking = this.#open > 0 ? 0 : this.#demand.expected
    if (this.#window.claim(this.#limit, asking) > 0) this.#open += this.#window.ask()
  }

  #answer(): void {
    if (this.waiting > 0) {
      this.#window.delivered()
      this.waiting--
      this.#open--
      this.#running++
      this.#demand.delivered(this.waiting)
    } else {
      this.#open = 0
      this.#demand.nothingThere()
    }
    if (this.#open === 0) this.#window.ended()
  }

  #settle(): void {
    this.#running--
    this.#window.settled()
  }
}

it("actors that look only when their window has changed serve everything that waits", () => {
  const actor = fc.record({ limit: fc.integer({ min: 1, max: 5 }), waiting: fc.nat(20) })
  const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(actor, { minLength: 1, maxLength: 3 }),
      choices,
      (capacity, specs, choices) => {
        const slots = new Slots(capacity)
        const actors = specs.map(({ limit, waiting }) => new Obedient(slots, limit, waiting))
        for (let step = 0; ; step++) {
          const possible = actors.flatMap((actor) => actor.possible)
          if (possible.length === 0) break
          possible[(choices[step % choices.length] ?? 0) % possible.length]?.()
        }
        expect(actors.map(({ waiting }) => waiting)).toEqual(actors.map(() => 0))
        expect(slots.free).toBe(capacity)
      }
    )
  )
})
