import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as FairShare from "../../src/domain/FairShare.ts"
import { type SlotMember, Slots } from "../../src/worker/Slots.ts"

/** An actor as the slots see it: takes what it is given, up to `room`, and hands the rest back at once. */
class Holder {
  readonly room: number
  readonly #slots: SlotMember
  /** asked for and not granted yet */
  wanted = 0
  held = 0
  grants: Array<number> = []

  constructor(slots: Slots, room = Number.POSITIVE_INFINITY) {
    this.room = room
    this.#slots = slots.join((count) => {
      this.grants.push(count)
      this.wanted -= count
      const kept = Math.min(count, this.room - this.held)
      this.held += kept
      if (kept < count) this.#slots.release(count - kept)
    })
  }

  want(count: number): void {
    this.wanted = count
    this.#slots.want(count)
  }

  release(count: number): void {
    this.held -= count
    this.#slots.release(count)
  }

  leave(): void {
    this.held = 0
    this.wanted = 0
    this.#slots.leave()
  }
}

const ascending = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)

const total = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, number) => sum + number, 0)

type Step =
  | { readonly do: "want"; readonly who: number; readonly count: number }
  | { readonly do: "release"; readonly who: number; readonly count: number }
  | { readonly do: "leave"; readonly who: number }

const who = fc.nat(4)
const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("want" as const), who, count: fc.nat(15) }),
    fc.record({ do: fc.constant("release" as const), who, count: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ do: fc.constant("leave" as const), who })
  ),
  { maxLength: 60 }
)
const rooms = fc.array(fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(6)), {
  minLength: 5,
  maxLength: 5
})

/** Takes the step; a holder never gives back more than it has. */
const take = (holder: Holder | undefined, step: Step): void => {
  switch (step.do) {
    case "want":
      return holder?.want(step.count)
    case "release":
      return holder?.release(Math.min(step.count, holder.held))
    case "leave":
      return holder?.leave()
  }
}

describe("Slots", () => {
  it("are never more than there are, and none is free while somebody wants one", () => {
    fc.assert(
      fc.property(fc.nat(20), rooms, steps, (capacity, rooms, steps) => {
        const slots = new Slots(capacity)
        const holders = rooms.map((room) => new Holder(slots, room))
        for (const step of steps) {
          take(holders[step.who], step)
          expect(slots.free + total(holders.map(({ held }) => held))).toBe(capacity)
          expect(slots.free).toBeGreaterThanOrEqual(0)
          if (slots.free > 0) expect(holders.map(({ wanted }) => wanted)).toEqual([0, 0, 0, 0, 0])
        }
        for (const holder of holders) holder.leave()
        expect(slots.free).toBe(capacity)
      })
    )
  })

  it("go to whoever holds the fewest, and nobody gets more than they want", () => {
    fc.assert(
      fc.property(fc.nat(20), steps, (capacity, steps) => {
        const slots = new Slots(capacity)
        const holders = Array.from({ length: 5 }, () => new Holder(slots))
        for (const step of steps) {
          for (const holder of holders) holder.grants = []
          take(holders[step.who], step)
          const wanting = holders.filter(({ wanted }) => wanted > 0)
          for (const lucky of holders.filter(({ grants }) => grants.length > 0)) {
            expect(lucky.wanted).toBeGreaterThanOrEqual(0)
            for (const other of wanting) expect(other.held).toBeGreaterThanOrEqual(lucky.held - 1)
          }
        }
      })
    )
  })

  it("end up max-min fair, although one had them all when the others came", () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }),
        (capacity, [first = 0, ...others]) => {
          const slots = new Slots(capacity)
          const holders = [first, ...others].map((demand) => ({ demand, holder: new Holder(slots) }))
          const wish = () =>
            holders.forEach(({ demand, holder }) => holder.want(Math.max(0, demand - holder.held)))
          holders[0]?.holder.want(capacity)
          wish()
          for (let round = 0; round < capacity; round++) {
            for (const { demand, holder } of holders) {
              if (holder.held === 0) continue
              // A call ends, and the next one is waiting there already.
              holder.want(Math.max(0, demand - holder.held + 1))
              holder.release(1)
            }
          }
          expect(ascending(holders.map(({ holder }) => holder.held))).toEqual(
            ascending(FairShare.shares(capacity, [first, ...others]))
          )
        }
      )
    )
  })

  it("go to the one that has waited longest among those that hold as many", () => {
    const slots = new Slots(1)
    const [first, second, third] = [new Holder(slots), new Holder(slots), new Holder(slots)]
    first.want(1)
    second.want(1)
    third.want(1)
    first.release(1)
    expect([first.held, second.held, third.held]).toEqual([0, 1, 0])
    // It comes back behind the one that is still waiting.
    first.want(1)
    second.release(1)
    expect([first.held, second.held, third.held]).toEqual([0, 0, 1])
  })

  it("come back when their holder leaves, who gets none that it wanted before", () => {
    const slots = new Slots(3)
    const [leaver, other] = [new Holder(slots), new Holder(slots)]
    leaver.want(5)
    leaver.leave()
    expect(slots.free).toBe(3)
    other.want(5)
    expect([leaver.held, other.held, slots.free]).toEqual([0, 3, 0])
  })

  it("wanted before and not wanted now are not given", () => {
    const slots = new Slots(2)
    const [busy, undecided] = [new Holder(slots), new Holder(slots)]
    busy.want(2)
    undecided.want(2)
    undecided.want(0)
    busy.release(2)
    expect([undecided.held, slots.free]).toEqual([0, 2])
  })
})
