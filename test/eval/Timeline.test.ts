import fc from "fast-check"
import { expect, it } from "vitest"
import { Timeline } from "../../eval/simulation/Timeline.ts"

it("things happen by time, and those of one instant in the order they were planned", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
      const timeline = new Timeline()
      const happened: Array<readonly [number, number]> = []
      for (const [order, time] of times.entries()) {
        timeline.at(time, () => happened.push([timeline.now, order]))
      }
      timeline.run(100, () => false)
      const expected = times.map((time, order) => [time, order] as const).sort(([a], [b]) => a - b)
      expect(happened).toEqual(expected)
    })
  )
})

it("what is planned for the past happens now, after what was planned for now", () => {
  const timeline = new Timeline()
  const happened: Array<string> = []
  timeline.at(5, () => {
    timeline.at(1, () => happened.push(`late at ${timeline.now}`))
    happened.push("first")
  })
  timeline.at(5, () => happened.push("second"))
  timeline.run(10, () => false)
  expect(happened).toEqual(["first", "second", "late at 5"])
})

it("time stops at the end, and as soon as it is over", () => {
  const timeline = new Timeline()
  let count = 0
  const again = (): void => {
    count++
    timeline.after(1, again)
  }
  timeline.after(1, again)
  timeline.run(100, () => count === 3)
  expect(timeline.now).toBe(3)
  timeline.run(10.5, () => false)
  expect([timeline.now, count]).toEqual([10.5, 10])
})
