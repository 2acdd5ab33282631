import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as FairShare from "../../src/domain/FairShare.ts"

const demands = fc.array(fc.nat(20), { maxLength: 12 })
const capacities = fc.nat(120)

const total = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, number) => sum + number, 0)

describe("FairShare.shares", () => {
  it.each([
    [10, [100, 100], [5, 5]],
    [10, [2, 100, 100], [2, 4, 4]],
    [11, [100, 2, 100], [5, 2, 4]],
    [3, [1, 1, 1, 1], [1, 1, 1, 0]],
    [50, [10, 0, 20], [10, 0, 20]],
    [0, [1, 2], [0, 0]],
    [5, [], []]
  ])("gives %d slots to demands %j as %j", (capacity, wanted, expected) => {
    expect(FairShare.shares(capacity, wanted)).toEqual(expected)
  })

  it("uses every slot that somebody wants, and gives nobody more than they want", () => {
    fc.assert(
      fc.property(capacities, demands, (capacity, wanted) => {
        const given = FairShare.shares(capacity, wanted)
        expect(total(given)).toBe(Math.min(capacity, total(wanted)))
        given.forEach((share, index) => expect(share).toBeLessThanOrEqual(wanted[index] ?? 0))
      })
    )
  })

  it("leaves nobody wanting who has two fewer than another", () => {
    fc.assert(
      fc.property(capacities, demands, (capacity, wanted) => {
        const given = FairShare.shares(capacity, wanted)
        const most = Math.max(0, ...given)
        given.forEach((share, index) => {
          if (share < (wanted[index] ?? 0)) expect(share).toBeGreaterThanOrEqual(most - 1)
        })
      })
    )
  })
})

describe("FairShare.next", () => {
  it("chooses who holds the fewest, then who waits longest", () => {
    const actors = [
      { key: "a", held: 2, since: 0 },
      { key: "b", held: 1, since: 9 },
      { key: "c", held: 1, since: 5 }
    ]
    expect(FairShare.next(actors)).toBe("c")
    expect(FairShare.next(actors.slice(0, 2))).toBe("b")
    expect(FairShare.next([])).toBeUndefined()
  })

  it("ends up at the shares when it gives out slot by slot", () => {
    fc.assert(
      fc.property(capacities, demands, (capacity, wanted) => {
        const held = wanted.map(() => 0)
        for (let free = capacity; free > 0; free--) {
          const wanting = wanted.flatMap((demand, key) => {
            const has = held[key] ?? 0
            return has < demand ? [{ key, held: has, since: key }] : []
          })
          const chosen = FairShare.next(wanting)
          if (chosen === undefined) break
          held[chosen] = (held[chosen] ?? 0) + 1
        }
        expect(held).toEqual(FairShare.shares(capacity, wanted))
      })
    )
  })
})
