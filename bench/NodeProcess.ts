import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Data, Duration, Effect, Latch } from "effect"

/** A process ended before it was told to. */
class EndedEarly extends Data.TaggedError("EndedEarly")<{ readonly message: string }> {}

const root = join(import.meta.dirname, "..")
const keptLogLines = 20
const END_TIMEOUT = Duration.seconds(10)

/** Runs `node args...` in the project's directory with this environment only, and ends it with the scope. */
export const run = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>
) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, args, {
        cwd: root,
        env: {
          PATH: process.env["PATH"],
          HOME: process.env["HOME"],
          NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
          ...environment
        },
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        serialization: "advanced"
      })
    ),
    end
  )
  const early: Array<string> = []
  const late: Array<string> = []
  const line = Latch.makeUnsafe()
  createInterface({ input: child.stderr ?? process.stdin }).on("line", (text) => {
    if (early.length < keptLogLines) early.push(text)
    late.push(text)
    if (late.length > keptLogLines) late.shift()
    line.openUnsafe()
  })

  /** Never succeeds; fails with the last log lines when the process ends. */
  const crashed = Effect.flatMap(exit(child), () =>
    Effect.fail(new EndedEarly({ message: `node ${args.join(" ")} ended:\n${late.join("\n")}` }))
  )
  /** Gives the first thing that `find` makes of one of the first lines it logs. */
  const logged = <A>(find: (line: string) => A | undefined): Effect.Effect<A, EndedEarly> =>
    Effect.gen(function* () {
      while (true) {
        line.closeUnsafe()
        for (const text of early) {
          const found = find(text)
          if (found !== undefined) return found
        }
        yield* line.await
      }
    }).pipe(Effect.raceFirst(crashed))
  return { child, logged, crashed }
})

const exit = (child: ChildProcess): Effect.Effect<void> =>
  Effect.promise(async (aborted) => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit", { signal: aborted })
  })

const end = (child: ChildProcess): Effect.Effect<void> =>
  Effect.gen(function* () {
    child.kill("SIGTERM")
    // It may have been stopped.
    child.kill("SIGCONT")
    yield* Effect.timeoutOption(Effect.interruptible(exit(child)), END_TIMEOUT)
    child.kill("SIGKILL")
    yield* exit(child)
  })
