import * as fc from "fast-check"
import { expect, it } from "vitest"
import * as DeadLetterFilter from "../../src/domain/DeadLetterFilter.ts"

const word = fc.constantFrom("a", "b", "c")
const millis = fc.integer({ min: 0, max: 10 })
const letters = fc.record({
  functionName: word,
  reason: word,
  callId: fc.option(word, { nil: undefined }),
  deadMillis: millis
})
const maybe = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })
const filters = fc.record({
  functionName: maybe(word),
  reason: maybe(word),
  callId: maybe(word),
  sinceMillis: maybe(millis),
  untilMillis: maybe(millis)
})
const nothing = {
  functionName: undefined,
  reason: undefined,
  callId: undefined,
  sinceMillis: undefined,
  untilMillis: undefined
}

it("a letter matches when it matches every part of the filter alone", () => {
  fc.assert(
    fc.property(filters, letters, (filter, letter) => {
      const each = Object.entries(filter).map(([key, value]) =>
        DeadLetterFilter.matches({ ...nothing, [key]: value }, letter)
      )
      expect(DeadLetterFilter.matches(filter, letter)).toBe(each.every(Boolean))
    })
  )
})

it("every letter is before or after a moment, and never both", () => {
  fc.assert(
    fc.property(letters, millis, (letter, moment) => {
      const after = DeadLetterFilter.matches({ ...nothing, sinceMillis: moment }, letter)
      expect(DeadLetterFilter.matches({ ...nothing, untilMillis: moment }, letter)).toBe(!after)
      expect(after).toBe(letter.deadMillis >= moment)
    })
  )
})

it("a letter without a call id matches no call id", () => {
  const letter = { functionName: "a", reason: "b", callId: undefined, deadMillis: 0 }
  expect(DeadLetterFilter.matches(nothing, letter)).toBe(true)
  expect(DeadLetterFilter.matches({ ...nothing, callId: "a" }, letter)).toBe(false)
  expect(DeadLetterFilter.matches({ ...nothing, functionName: "b" }, letter)).toBe(false)
})
