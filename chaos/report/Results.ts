import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { markdown } from "./Markdown.ts"
import type { Row } from "./Row.ts"

const results = join(import.meta.dirname, "../results.json")
const report = join(import.meta.dirname, "../report.md")

/** Adds a run to the earlier ones, in place of an old one of the same seed. */
export const add = async (row: Row): Promise<void> => {
  const bySeed = new Map([...(await all()), row].map((each) => [each.seed, each]))
  const rows = [...bySeed.values()].toSorted((a, b) => a.seed - b.seed)
  // A line for each seed, so that slices of two people merge.
  await writeFile(results, `[\n${rows.map((each) => `  ${JSON.stringify(each)}`).join(",\n")}\n]\n`)
  await writeFile(report, markdown(rows))
}

/** All runs so far. */
export const all = async (): Promise<ReadonlyArray<Row>> => {
  try {
    return JSON.parse(await readFile(results, "utf8")) as ReadonlyArray<Row>
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return []
    throw error
  }
}
