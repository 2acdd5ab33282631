import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

interface Entry {
  readonly name: string
  readonly url: string
  /** The annotation `sluice.limit`; none when undefined. */
  readonly limit?: number | undefined
  readonly annotations?: Readonly<Record<string, string>>
}

/** A `functions_file` that lists these functions; it can be written anew. */
export const write = Effect.fnUntraced(function* (entries: ReadonlyArray<Entry>) {
  const path = join(yield* temporaryDirectory, "functions.yaml")
  const rewrite = (entries: ReadonlyArray<Entry>) => Effect.promise(() => writeFile(path, textOf(entries)))
  yield* rewrite(entries)
  return { path, rewrite }
})

/** YAML reads JSON. */
const textOf = (entries: ReadonlyArray<Entry>): string =>
  JSON.stringify({
    functions: entries.map(({ name, url, limit, annotations }) => ({
      name,
      url,
      annotations: { ...annotations, ...(limit === undefined ? {} : { "sluice.limit": String(limit) }) }
    }))
  })
