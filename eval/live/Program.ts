import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Duration, Effect, Latch } from "effect"
import { LiveError } from "./LiveError.ts"

/** A child process. */
export interface Program {
  readonly child: ChildProcess
  /** Gives the first thing that `find` makes of a line it logs. */
  readonly logged: <A>(find: (line: string) => A | undefined) => Effect.Effect<A, LiveError>
  /** Never succeeds; fails when the program ends. */
  readonly crashed: Effect.Effect<never, LiveError>
}

const root = join(import.meta.dirname, "../..")
const keptLogLines = 20
const END_TIMEOUT = Duration.seconds(5)

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

  const crashed = Effect.flatMap(exit(child), () =>
    Effect.fail(new LiveError({ message: `node ${args.slice(0, 2).join(" ")} ended:\n${late.join("\n")}` }))
  )
  const logged = <A>(find: (line: string) => A | undefined): Effect.Effect<A, LiveError> =>
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
  return { child, logged, crashed } satisfies Program
})

const exit = (child: ChildProcess): Effect.Effect<void> =>
  Effect.promise(async (aborted) => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit", { signal: aborted })
  })

const end = (child: ChildProcess): Effect.Effect<void> =>
  Effect.gen(function* () {
    child.kill("SIGTERM")
    yield* Effect.timeoutOption(Effect.interruptible(exit(child)), END_TIMEOUT)
    child.kill("SIGKILL")
    yield* exit(child)
  })
