import { line, page, type Point, polygon, polyline, round, text, title } from "../../src/demo/Svg.ts"
import { ticks } from "../../src/demo/Ticks.ts"

/** Something over time: (seconds, value) in the order of time. */
interface Series {
  readonly name: string
  readonly colour: string
  /** A line, or what is below it. */
  readonly shape: "line" | "area"
}

export interface Row {
  readonly title: string
  readonly series: ReadonlyArray<Series>
}

export interface Column {
  readonly title: string
  readonly subtitle: string
  /** When it ended, seconds, and how to say so. */
  readonly end: number
  readonly endText: string
  /** The points of each series of each row. */
  readonly points: ReadonlyArray<ReadonlyArray<ReadonlyArray<Point>>>
}

interface Picture {
  readonly title: string
  readonly subtitle: string
  readonly rows: ReadonlyArray<Row>
  readonly columns: ReadonlyArray<Column>
  readonly timeTitle: string
}

const LEFT = 60
const GAP = 56
const RIGHT = 28
const PANEL_WIDTH = 430
const PANEL_HEIGHT = 130
const TOP = 172
const ROW_GAP = 54
const BOTTOM = 58

const most = (points: ReadonlyArray<Point>, axis: 0 | 1): number =>
  points.reduce((highest, point) => Math.max(highest, point[axis]), 0)

/** Columns to compare, each with the same panels above each other, on the same axes, as one self-contained SVG. */
export const svg = (picture: Picture): string => {
  const { columns, rows } = picture
  const times = ticks(Math.max(...columns.map(({ end }) => end)), 8)
  const levels = rows.map((_, row) =>
    ticks(Math.max(...columns.flatMap(({ points }) => (points[row] ?? []).map((each) => most(each, 1)))), 4)
  )
  const width = LEFT + columns.length * PANEL_WIDTH + (columns.length - 1) * GAP + RIGHT
  const bottom = TOP + rows.length * PANEL_HEIGHT + (rows.length - 1) * ROW_GAP
  const height = bottom + BOTTOM

  return page(
    { title: picture.title, subtitle: picture.subtitle, width, height, left: LEFT },
    columns.flatMap((column, index) => {
      const left = LEFT + index * (PANEL_WIDTH + GAP)
      const panels = rows.map((row, at) =>
        panel(row, column, column.points[at] ?? [], {
          left,
          top: TOP + at * (PANEL_HEIGHT + ROW_GAP),
          times,
          levels: levels[at] ?? [],
          first: at === 0
        })
      )
      return [
        title(left, 98, column.title, 16),
        text(left, 118, column.subtitle, `font-size="13"`),
        text(left + PANEL_WIDTH / 2, bottom + 42, picture.timeTitle, `text-anchor="middle"`)
      ].concat(panels.flat())
    })
  )
}

interface Frame {
  readonly left: number
  readonly top: number
  readonly times: ReadonlyArray<number>
  readonly levels: ReadonlyArray<number>
  /** The topmost panel of its column. */
  readonly first: boolean
}

const panel = (row: Row, column: Column, points: Column["points"][number], frame: Frame): Array<string> => {
  const { first, left, levels, times, top } = frame
  const x = (seconds: number) => left + (seconds / (times.at(-1) ?? 1)) * PANEL_WIDTH
  const y = (value: number) => top + PANEL_HEIGHT * (1 - value / (levels.at(-1) ?? 1))
  const bottom = top + PANEL_HEIGHT
  const shape = ({ colour, name, shape }: Series, index: number) => {
    const drawn = (points[index] ?? []).map(([seconds, value]): Point => [x(seconds), y(value)])
    if (shape === "line") return polyline(drawn, colour, name)
    const [from, to] = [drawn[0]?.[0] ?? x(0), drawn.at(-1)?.[0] ?? x(0)]
    return polygon([[from, bottom], ...drawn, [to, bottom]], colour, name)
  }
  const grid = [
    ...times.map((time) => line([x(time), top], [x(time), bottom], `stroke="#eee"`)),
    ...levels.map((level) =>
      line([left, y(level)], [left + PANEL_WIDTH, y(level)], `stroke="${level === 0 ? "#888" : "#e2e2e2"}"`)
    )
  ]
  return [
    ...heading(row, left, top - 12),
    ...grid,
    ...row.series.map(shape),
    line([x(column.end), top], [x(column.end), bottom], `stroke="#111" stroke-dasharray="4 3"`),
    ...(first ? endLabel(column, x(column.end), left, top + 14) : []),
    ...levels.map((level) => text(left - 7, y(level) + 4, String(level), `text-anchor="end" fill="#555"`)),
    ...times.map((time) => text(x(time), bottom + 17, String(time), `text-anchor="middle" fill="#555"`))
  ]
}

/** On the side of the line where there is room. */
const endLabel = ({ endText }: Column, at: number, left: number, y: number): Array<string> =>
  at - left > PANEL_WIDTH * 0.7
    ? [text(at - 6, y, endText, `text-anchor="end" fill="#111"`)]
    : [text(at + 6, y, endText, `fill="#111"`)]

const CHARACTER = 6.7

/** The title of a panel, and, where it shows several things, which is which. */
const heading = (row: Row, left: number, y: number): Array<string> => {
  let at = left + row.title.length * 7.4 + 18
  const keys = row.series.flatMap(({ colour, name, shape }) => {
    const mark =
      shape === "area"
        ? `<rect x="${round(at)}" y="${y - 10}" width="16" height="11" fill="${colour}"/>`
        : line([at, y - 4], [at + 16, y - 4], `stroke="${colour}" stroke-width="3"`)
    const words = text(at + 21, y, name)
    at += 21 + name.length * CHARACTER + 14
    return [mark, words]
  })
  return [title(left, y, row.title, 13), ...(row.series.length > 1 ? keys : [])]
}
