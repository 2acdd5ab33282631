import { expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { describe } from "vitest"
import * as Chart from "../../src/demo/Chart.ts"
import { Journal } from "../../src/demo/Journal.ts"
import { picture } from "../../src/demo/Picture.ts"
import { sampleFunctions } from "../../src/demo/SampleFunctions.ts"
import * as Summary from "../../src/demo/Summary.ts"
import { ticks } from "../../src/demo/Ticks.ts"
import { elements } from "./Xml.ts"

const pictureOf = (journal: Journal) =>
  picture(journal, Summary.make(journal, { fates: new Map(), problems: [] }).all)

describe("the picture of a run", () => {
  const journal = new Journal()
  journal.waves.push({ from: 1_000, to: 1_500 })
  for (const [index, { name: fn }] of sampleFunctions.entries()) {
    journal.posts.push({ call: `${fn}-1`, fn, status: 202 })
    journal.callbacks.push({ call: `${fn}-1`, fn, status: 200, retries: 0, latencyMillis: 5, at: 2_000 })
    journal.depth.push({ at: 1_000 + index * 100, counts: { [fn]: index } })
    journal.inFlight.push({ at: 1_000 + index * 100, counts: { [fn]: index } })
  }
  const svg = pictureOf(journal)

  it("is one well-formed SVG without scripts and without anything from elsewhere", () => {
    const names = elements(svg)
    expect(names[0]).toBe("svg")
    expect(names).not.toContain("script")
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:|href|url\(/)
  })

  it("has a line in each of its three panels and a legend entry for each function", () => {
    expect(elements(svg).filter((name) => name === "polyline")).toHaveLength(3 * sampleFunctions.length)
    for (const { does, name } of sampleFunctions) {
      expect(svg).toContain(`>${name}: ${does}<`)
      expect(svg.split(`<title>${name}</title>`)).toHaveLength(1 + 3)
    }
  })

  it("gives each function a colour of its own", () => {
    const colours = [...svg.matchAll(/<polyline [^>]*stroke="(?<colour>#\w+)"/g)].map(
      ({ groups }) => groups?.["colour"]
    )
    expect(new Set(colours).size).toBe(sampleFunctions.length)
  })
})

it("the picture of a run in which nothing happened is well-formed too", () => {
  const svg = pictureOf(new Journal())
  expect(elements(svg)[0]).toBe("svg")
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
})

it("a chart is well-formed and draws inside its frame, whatever it shows", () => {
  const number = fc.double({ min: 0, max: 1e6, noNaN: true })
  const texts = fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", " ", "]]>") })
  const charts = fc
    .record({
      name: texts,
      points: fc.array(fc.tuple(number, number)),
      title: texts,
      colour: fc.constant("#000")
    })
    .map(({ colour, name, points, title }): Chart.Chart => ({
      title,
      subtitle: title,
      legend: [{ name, text: title, colour }],
      panels: [{ title, series: [{ name, points }] }],
      bands: [],
      bandText: title
    }))
  fc.assert(
    fc.property(charts, (chart) => {
      const svg = Chart.svg(chart)
      expect(elements(svg)[0]).toBe("svg")
      const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? []
      for (const [, points = ""] of svg.matchAll(/polyline points="([^"]*)"/g)) {
        for (const point of points.split(" ").filter((each) => each !== "")) {
          const [x = Number.NaN, y = Number.NaN] = point.split(",").map(Number)
          expect(x >= 0 && x <= Number(width) && y >= 0 && y <= Number(height)).toBe(true)
        }
      }
    })
  )
})

it("ticks are whole, evenly spaced, start at 0 and reach the highest value without much room above", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.integer({ min: 2, max: 12 }),
      (most, wanted) => {
        const [first, step = 0, ...rest] = ticks(most, wanted)
        const last = rest.at(-1) ?? step
        expect(first).toBe(0)
        expect(
          [step, ...rest].every((tick, index) => Number.isInteger(tick) && tick === (index + 1) * step)
        ).toBe(true)
        expect(last).toBeGreaterThanOrEqual(most)
        expect(last - step).toBeLessThan(Math.max(most, 1))
      }
    )
  )
})
