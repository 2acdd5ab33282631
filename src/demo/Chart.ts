import { line, page, type Point, polyline, round, text, title } from "./Svg.ts"
import { ticks } from "./Ticks.ts"

/** A line of one panel: (seconds, value) in the order of time. */
export interface Series {
  readonly name: string
  readonly points: ReadonlyArray<Point>
}

interface Panel {
  readonly title: string
  readonly series: ReadonlyArray<Series>
}

/** Panels above each other that share the axis of time. */
export interface Chart {
  readonly title: string
  readonly subtitle: string
  readonly legend: ReadonlyArray<{ readonly name: string; readonly text: string; readonly colour: string }>
  readonly panels: ReadonlyArray<Panel>
  /** Stretches of time to shade, seconds, and what they are. */
  readonly bands: ReadonlyArray<readonly [number, number]>
  readonly bandText: string
}

const WIDTH = 960
const LEFT = 64
const RIGHT = 24
const TOP = 148
const PANEL_HEIGHT = 150
const PANEL_GAP = 48
const BOTTOM = 56

/** The chart as one self-contained SVG. */
export const svg = (chart: Chart): string => {
  const points = chart.panels.flatMap(({ series }) => series.flatMap((each) => each.points))
  const times = ticks(
    points.reduce((most, [seconds]) => Math.max(most, seconds), 0),
    12
  )
  const end = times.at(-1) ?? 1
  const x = (seconds: number) => LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT)
  const panelTop = (index: number) => TOP + index * (PANEL_HEIGHT + PANEL_GAP)
  const bottom = panelTop(chart.panels.length - 1) + PANEL_HEIGHT
  const height = bottom + BOTTOM
  const colours = new Map(chart.legend.map(({ colour, name }) => [name, colour]))

  return page({ title: chart.title, subtitle: chart.subtitle, width: WIDTH, height, left: LEFT }, [
    ...legend(chart),
    ...chart.panels.flatMap((panel, index) =>
      panelLines(panel, { top: panelTop(index), x, times, bands: chart.bands, colours })
    ),
    ...times.map((time) => text(x(time), bottom + 18, String(time), `text-anchor="middle" fill="#555"`)),
    text(
      (LEFT + WIDTH - RIGHT) / 2,
      bottom + 40,
      "seconds since the first call was posted",
      `text-anchor="middle"`
    )
  ])
}

const LEGEND_TOP = 84
const LEGEND_CHARACTER = 6.6

/** What the colours mean, in a row that breaks where it is full. */
const legend = ({ bandText, bands, legend: entries }: Chart): ReadonlyArray<string> => {
  const marks = [
    ...entries.map(({ colour, name, text }) => ({
      mark: (at: number, y: number) =>
        line([at, y - 4], [at + 22, y - 4], `stroke="${colour}" stroke-width="3"`),
      words: `${name}: ${text}`
    })),
    ...(bands.length === 0
      ? []
      : [
          {
            mark: (at: number, y: number) =>
              `<rect x="${at}" y="${y - 11}" width="22" height="14" fill="#000" fill-opacity="0.07"/>`,
            words: bandText
          }
        ])
  ]
  let at = LEFT
  let y = LEGEND_TOP
  return marks.flatMap(({ mark, words }) => {
    const width = 28 + words.length * LEGEND_CHARACTER + 18
    if (at + width > WIDTH) {
      at = LEFT
      y += 20
    }
    const drawn = [mark(at, y), text(at + 28, y, words)]
    at += width
    return drawn
  })
}

interface Place {
  readonly top: number
  readonly x: (seconds: number) => number
  readonly times: ReadonlyArray<number>
  readonly bands: Chart["bands"]
  readonly colours: ReadonlyMap<string, string>
}

const panelLines = (panel: Panel, { bands, colours, times, top, x }: Place): ReadonlyArray<string> => {
  const values = panel.series.flatMap(({ points }) => points.map(([, value]) => value))
  const levels = ticks(
    values.reduce((most, value) => Math.max(most, value), 0),
    4
  )
  const highest = levels.at(-1) ?? 1
  const y = (value: number) => top + PANEL_HEIGHT * (1 - value / highest)
  const bottom = top + PANEL_HEIGHT
  return [
    title(LEFT, top - 10, panel.title, 13),
    ...bands.map(
      ([from, to]) =>
        `<rect x="${round(x(from))}" y="${top}" width="${round(Math.max(2, x(to) - x(from)))}" height="${PANEL_HEIGHT}" fill="#000" fill-opacity="0.07"/>`
    ),
    ...times.map((time) => line([x(time), top], [x(time), bottom], `stroke="#eee"`)),
    ...levels.flatMap((level) => [
      line([LEFT, y(level)], [WIDTH - RIGHT, y(level)], `stroke="${level === 0 ? "#888" : "#ddd"}"`),
      text(LEFT - 8, y(level) + 4, String(level), `text-anchor="end" fill="#555"`)
    ]),
    ...panel.series.map(({ name, points }) =>
      polyline(
        points.map(([seconds, value]) => [x(seconds), y(value)]),
        colours.get(name) ?? "#000",
        name
      )
    )
  ]
}
