import { watch } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { Data, Duration, Effect, Queue, Result, Stream } from "effect"

/** A file that a setting names cannot be used; the message says where and why, one mistake a line. */
export class WatchedFileError extends Data.TaggedError("WatchedFileError")<{
  readonly message: string
}> {}

/** Where a mistake is (both from 1) and what it is. */
export interface Mistake {
  readonly line: number
  readonly column: number
  readonly text: string
}

interface Options<A> {
  readonly path: string
  /** The setting that names the file, for messages. */
  readonly setting: string
  /** What the file holds, for messages: `functions`. */
  readonly content: string
  readonly parse: (text: string) => Result.Result<A, ReadonlyArray<Mistake>>
  /** What there is to say about a change, as fields of a log line; nothing is logged when there is none. */
  readonly changes: (before: A, after: A) => Readonly<Record<string, unknown>>
}

// Watching misses changes on network file systems, and where the kernel has no watches left.
const rereadInterval = Duration.seconds(5)

// An editor may empty the file before it writes the new text.
const settleTime = Duration.millis(100)

/**
 * What a file says. A change is picked up while the scope is open; one that cannot be used is logged and
 * changes nothing.
 *
 * @returns the content as it is now
 */
export const make = Effect.fnUntraced(function* <A>(options: Options<A>) {
  const { setting } = options
  let content = yield* load(options)
  let lastError: string | undefined

  const reload = load(options).pipe(
    Effect.matchEffect({
      onSuccess: (next) => {
        const changes = options.changes(content, next)
        content = next
        lastError = undefined
        return Object.keys(changes).length === 0
          ? Effect.void
          : Effect.logInfo(`${setting} changed`).pipe(Effect.annotateLogs(changes))
      },
      onFailure: ({ message }) => {
        if (message === lastError) return Effect.void
        lastError = message
        return Effect.logError(`${message}\nThe ${options.content} stay as they were before the change.`)
      }
    })
  )
  yield* changesNear(options).pipe(
    Stream.debounce(settleTime),
    Stream.merge(Stream.tick(rereadInterval)),
    Stream.runForEach(() => reload),
    Effect.forkScoped({ startImmediately: true })
  )
  return () => content
})

const load = Effect.fnUntraced(function* <A>({ parse, path, setting }: Options<A>) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) => new WatchedFileError({ message: `${setting} cannot be read: ${reason(cause)}` })
  })
  return yield* parse(text).pipe(
    Result.mapError((mistakes) => {
      const lines = mistakes.map(({ line, column, text }) => `${path}:${line}:${column}: ${text}`)
      return new WatchedFileError({ message: [`${setting} has mistakes:`, ...lines].join("\n  ") })
    }),
    Effect.fromResult
  )
})

const reason = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

/** Something happened in the directory, where Kubernetes replaces a link and editors rename a new file. */
const changesNear = ({ path, setting }: { readonly path: string; readonly setting: string }) =>
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
          Effect.logWarning(`changes of ${setting} are seen later: it cannot be watched: ${reason(cause)}`)
        )
      ),
    { bufferSize: 1, strategy: "sliding" }
  )
