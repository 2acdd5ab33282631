import fc from "fast-check"
import { expect, it } from "vitest"
import { cores } from "../../eval/scenarios/Scenario.ts"
import { Cores } from "../../eval/simulation/Cores.ts"
import { Timeline } from "../../eval/simulation/Timeline.ts"
import { callOf, offerAll } from "./support.ts"

it("calls run at full speed as long as there is a core for each", () => {
  const timeline = new Timeline()
  const answers = offerAll(timeline, new Cores(timeline, cores([[0, 4]], 1.3)), [
    callOf(2, 0),
    callOf(1, 1),
    callOf(3, 2)
  ])
  timeline.run(100, () => false)
  expect(answers.map(({ id, at }) => [id, at])).toEqual([
    [1, 1],
    [0, 2],
    [2, 3]
  ])
})

it("without thrashing all work is done at the speed of all cores, whatever the mix", () => {
  const works = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(works, (works) => {
      const timeline = new Timeline()
      const answers = offerAll(
        timeline,
        new Cores(timeline, cores([[0, 1]], 1)),
        works.map((work, id) => callOf(work, id))
      )
      timeline.run(1e6, () => false)
      const total = works.reduce((sum, work) => sum + work, 0)
      expect(answers).toHaveLength(works.length)
      expect(answers.at(-1)?.at).toBeCloseTo(total, 6)
      const shortestFirst = works.toSorted((one, other) => one - other)
      expect(answers.map(({ id }) => works[id])).toEqual(shortestFirst)
    })
  )
})

it("too many calls at once lose more than their share", () => {
  const timeline = new Timeline()
  const calls = Array.from({ length: 8 }, (_, id) => callOf(1, id))
  const answers = offerAll(timeline, new Cores(timeline, cores([[0, 2]], 1.5)), calls)
  timeline.run(100, () => false)
  expect(answers.at(-1)?.at).toBeCloseTo(4 ** 1.5, 6)
})

it("cores that go and come change the speed of what is running", () => {
  const timeline = new Timeline()
  const plan = cores(
    [
      [0, 2],
      [1, 1],
      [3, 2]
    ],
    1
  )
  const answers = offerAll(timeline, new Cores(timeline, plan), [callOf(3, 0), callOf(3, 1)])
  timeline.run(100, () => false)
  expect(answers.map(({ at }) => at)).toEqual([4, 4])
})
