import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { markdown } from "./Markdown.ts"
import type { Row } from "./Row.ts"

const results = join(import.meta.dirname, "../results.json")
const report = join(import.meta.dirname, "../report.md")

/** Adds runs to those of earlier slices, a new one in place of an old one of the same seed; gives all of them. */
export const add = async (rows: ReadonlyArray<Row>): Promise<ReadonlyArray<Row>> => {
  const bySeed = new Map([...(await earlier()), ...rows].map((row) => [row.seed, row]))
  const all = [...bySeed.values()].toSorted((a, b) => a.seed - b.seed)
  // A line for each seed, so that slices of two people merge.
  await writeFile(results, `[\n${all.map((row) => `  ${JSON.stringify(row)}`).join(",\n")}\n]\n`)
  await writeFile(report, markdown(all))
  return all
}

const earlier = async (): Promise<ReadonlyArray<Row>> => {
  try {
    return JSON.parse(await readFile(results, "utf8")) as ReadonlyArray<Row>
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return []
    throw error
  }
}
