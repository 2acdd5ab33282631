import { watch } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { Data, Duration, Effect, Equal, Queue, Result, Stream } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"
import type { Find } from "./FunctionSpec.ts"
import * as FunctionTable from "./FunctionTable.ts"

/** `functions_file` cannot be used; the message says where and why, one mistake a line. */
export class FunctionsFileError extends Data.TaggedError("FunctionsFileError")<{
  readonly message: string
}> {}

// Watching misses changes on network file systems, and where the kernel has no watches left.
const rereadInterval = Duration.seconds(5)

// An editor may empty the file before it writes the new text.
const settleTime = Duration.millis(100)

/**
 * Functions as the YAML file at `path` lists them. A change is picked up while the scope is open; one that
 * cannot be used is logged and changes nothing.
 */
export const make = Effect.fnUntraced(function* (path: string, defaultNamespace: string) {
  let table = yield* load(path, defaultNamespace)
  let lastError: string | undefined

  const reload = load(path, defaultNamespace).pipe(
    Effect.matchEffect({
      onSuccess: (next) => {
        const changes = changesBetween(table, next)
        table = next
        lastError = undefined
        return Object.keys(changes).length === 0
          ? Effect.void
          : Effect.logInfo("functions_file changed").pipe(Effect.annotateLogs(changes))
      },
      onFailure: ({ message }) => {
        if (message === lastError) return Effect.void
        lastError = message
        return Effect.logError(`${message}\nThe functions stay as they were before the change.`)
      }
    })
  )
  yield* changesNear(path).pipe(
    Stream.debounce(settleTime),
    Stream.merge(Stream.tick(rereadInterval)),
    Stream.runForEach(() => reload),
    Effect.forkScoped({ startImmediately: true })
  )

  const find: Find = (fn) =>
    Effect.sync(() => {
      const spec = table.get(FunctionName.key(fn))
      return spec === undefined ? { _tag: "Unknown" } : { _tag: "Found", spec }
    })
  return find
})

const load = Effect.fnUntraced(function* (path: string, defaultNamespace: string) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) => new FunctionsFileError({ message: `functions_file cannot be read: ${reason(cause)}` })
  })
  return yield* FunctionTable.parse(text, defaultNamespace).pipe(
    Result.mapError((mistakes) => {
      const lines = mistakes.map(({ line, column, text }) => `${path}:${line}:${column}: ${text}`)
      return new FunctionsFileError({ message: ["functions_file has mistakes:", ...lines].join("\n  ") })
    }),
    Effect.fromResult
  )
})

const reason = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

/** Something happened in the directory, where Kubernetes replaces a link and editors rename a new file. */
const changesNear = (path: string) =>
  Stream.callback<void>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const watcher = watch(dirname(path), () => Queue.offerUnsafe(queue, undefined))
          // Such as a directory that is deleted; reading again now and then goes on.
          watcher.on("error", () => watcher.close())
          return watcher
        }),
        (watcher) => Effect.sync(() => watcher.close())
      ).pipe(
        Effect.catchDefect((cause) =>
          Effect.logWarning(
            `changes of functions_file are seen later: it cannot be watched: ${reason(cause)}`
          )
        )
      ),
    { bufferSize: 1, strategy: "sliding" }
  )

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
