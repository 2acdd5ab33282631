/** The pieces of our pictures: each is one SVG that needs nothing beside it. */

export type Point = readonly [x: number, y: number]

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }
const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? "")

/** Tenths of a pixel are enough. */
export const round = (value: number): number => Math.round(value * 10) / 10

export const text = (x: number, y: number, content: string, attributes = ""): string =>
  `<text x="${round(x)}" y="${round(y)}"${attributes && ` ${attributes}`}>${escape(content)}</text>`

/** A title of the picture or of a part of it. */
export const title = (x: number, y: number, content: string, size: number): string =>
  text(x, y, content, `font-size="${size}" font-weight="600" fill="#111"`)

export const line = ([x1, y1]: Point, [x2, y2]: Point, attributes: string): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" ${attributes}/>`

const path = (points: ReadonlyArray<Point>): string =>
  points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ")

/** Something over time; its name shows under the pointer. */
export const polyline = (points: ReadonlyArray<Point>, colour: string, name: string): string =>
  `<polyline points="${path(points)}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"><title>${escape(name)}</title></polyline>`

export const polygon = (points: ReadonlyArray<Point>, colour: string, name: string): string =>
  `<polygon points="${path(points)}" fill="${colour}"><title>${escape(name)}</title></polygon>`

interface Page {
  readonly title: string
  readonly subtitle: string
  readonly width: number
  readonly height: number
  /** Where title and subtitle begin. */
  readonly left: number
}

/** The whole picture. */
export const page = (page: Page, content: ReadonlyArray<string>): string => {
  const { height, left, width } = page
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"`,
    `  font-family="system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif" font-size="12" fill="#333">`,
    `<title>${escape(page.title)}</title>`,
    `<desc>${escape(page.subtitle)}</desc>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    title(left, 34, page.title, 20),
    text(left, 56, page.subtitle, `font-size="13" fill="#555"`),
    ...content,
    "</svg>",
    ""
  ].join("\n")
}
