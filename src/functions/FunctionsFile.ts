import { Effect, Equal } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"
import * as WatchedFile from "../files/WatchedFile.ts"
import type { Find } from "./FunctionSpec.ts"
import * as FunctionTable from "./FunctionTable.ts"

/**
 * Functions as the YAML file at `path` lists them. A change is picked up while the scope is open; one that
 * cannot be used is logged and changes nothing.
 */
export const make = Effect.fnUntraced(function* (path: string, defaultNamespace: string) {
  const table = yield* WatchedFile.make({
    path,
    setting: "functions_file",
    content: "functions",
    parse: (text) => FunctionTable.parse(text, defaultNamespace),
    changes: changesBetween
  })
  const find: Find = (fn) =>
    Effect.sync(() => {
      const spec = table().get(FunctionName.key(fn))
      return spec === undefined ? { _tag: "Unknown" } : { _tag: "Found", spec }
    })
  return find
})

const changesBetween = (before: FunctionTable.FunctionTable, after: FunctionTable.FunctionTable) => {
  const lists = {
    added: [...after.keys()].filter((key) => !before.has(key)),
    removed: [...before.keys()].filter((key) => !after.has(key)),
    changed: [...after].flatMap(([key, spec]) =>
      before.has(key) && !Equal.equals(before.get(key), spec) ? [key] : []
    )
  }
  return Object.fromEntries(
    Object.entries(lists).flatMap(([name, keys]) => (keys.length === 0 ? [] : [[name, keys.join(", ")]]))
  )
}
