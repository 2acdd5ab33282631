import { expect, it } from "vitest"
import { Closure } from "../../src/worker/Closure.ts"

/** Looks once a second at these limits; what is said of each. */
const looks = (limits: ReadonlyArray<number>) => {
  const closure = new Closure()
  return limits.map((limit, second) => closure.look(limit, 100 + second))
}

it("a function is closed since its limit was first seen at 0", () => {
  expect(looks([3, 0, 0, 0])).toEqual([0, 0, 1, 2])
})

it("looking for room with a single call is no opening", () => {
  expect(looks([0, 1, 0, 1, 1, 0])).toEqual([0, 0, 2, 0, 0, 5])
})

it("room that lasts is one", () => {
  expect(looks([0, 0, 1, 1, 1, 0, 0])).toEqual([0, 1, 0, 0, 0, 0, 1])
})

it("nobody knows what was while nobody looked", () => {
  const closure = new Closure()
  closure.look(0, 100)
  expect(closure.look(0, 150)).toBe(0)
})

it("counting can start again", () => {
  const closure = new Closure()
  closure.look(0, 100)
  closure.look(0, 102)
  closure.restart(102)
  expect(closure.look(0, 103)).toBe(1)
})
