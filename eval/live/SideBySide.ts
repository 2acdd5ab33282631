import { ticks } from "../../src/demo/Ticks.ts"

/** Something over time: (seconds, value) in the order of time. */
export interface Series {
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
  readonly points: ReadonlyArray<ReadonlyArray<ReadonlyArray<readonly [number, number]>>>
}

export interface Picture {
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

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }
const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? "")
const round = (value: number): number => Math.round(value * 10) / 10
const text = (x: number, y: number, content: string, attributes = ""): string =>
  `<text x="${round(x)}" y="${round(y)}"${attributes && ` ${attributes}`}>${escape(content)}</text>`

const most = (points: ReadonlyArray<readonly [number, number]>, axis: 0 | 1): number =>
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

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"`,
    `  font-family="system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif" font-size="12" fill="#333">`,
    `<title>${escape(picture.title)}</title>`,
    `<desc>${escape(picture.subtitle)}</desc>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(LEFT, 34, picture.title, `font-size="20" font-weight="600" fill="#111"`),
    text(LEFT, 56, picture.subtitle, `font-size="13" fill="#555"`),
    ...columns.flatMap((column, index) => {
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
        text(left, 98, column.title, `font-size="16" font-weight="600" fill="#111"`),
        text(left, 118, column.subtitle, `font-size="13"`),
        text(left + PANEL_WIDTH / 2, bottom + 42, picture.timeTitle, `text-anchor="middle"`)
      ].concat(panels.flat())
    }),
    "</svg>",
    ""
  ].join("\n")
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
  const x = (seconds: number) => round(left + (seconds / (times.at(-1) ?? 1)) * PANEL_WIDTH)
  const y = (value: number) => round(top + PANEL_HEIGHT * (1 - value / (levels.at(-1) ?? 1)))
  const bottom = top + PANEL_HEIGHT
  const shape = ({ colour, name, shape }: Series, index: number) => {
    const line = (points[index] ?? []).map(([seconds, value]) => `${x(seconds)},${y(value)}`)
    const [from, to] = [points[index]?.[0]?.[0] ?? 0, points[index]?.at(-1)?.[0] ?? 0]
    return shape === "area"
      ? `<polygon points="${x(from)},${bottom} ${line.join(" ")} ${x(to)},${bottom}" fill="${colour}"><title>${escape(name)}</title></polygon>`
      : `<polyline points="${line.join(" ")}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"><title>${escape(name)}</title></polyline>`
  }
  const grid = [
    ...times.map(
      (time) => `<line x1="${x(time)}" y1="${top}" x2="${x(time)}" y2="${bottom}" stroke="#eee"/>`
    ),
    ...levels.map(
      (level) =>
        `<line x1="${left}" y1="${y(level)}" x2="${left + PANEL_WIDTH}" y2="${y(level)}" stroke="${level === 0 ? "#888" : "#e2e2e2"}"/>`
    )
  ]
  return [
    ...heading(row, left, top - 12),
    ...grid,
    ...row.series.map(shape),
    `<line x1="${x(column.end)}" y1="${top}" x2="${x(column.end)}" y2="${bottom}" stroke="#111" stroke-dasharray="4 3"/>`,
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
const heading = ({ series, title }: Row, left: number, y: number): Array<string> => {
  let at = left + title.length * 7.4 + 18
  const keys = series.flatMap(({ colour, name, shape }) => {
    const mark =
      shape === "area"
        ? `<rect x="${round(at)}" y="${y - 10}" width="16" height="11" fill="${colour}"/>`
        : `<line x1="${round(at)}" y1="${y - 4}" x2="${round(at + 16)}" y2="${y - 4}" stroke="${colour}" stroke-width="3"/>`
    const words = text(at + 21, y, name)
    at += 21 + name.length * CHARACTER + 14
    return [mark, words]
  })
  return [
    text(left, y, title, `font-size="13" font-weight="600" fill="#111"`),
    ...(series.length > 1 ? keys : [])
  ]
}
