import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Duration, Effect } from "effect"
import { BenchError } from "./BenchError.ts"

/** A Node process of the benchmark. */
export interface Program {
  /** What it says next; one that ends instead is an error with its last log lines. */
  readonly hear: Effect.Effect<number, BenchError>
  readonly ask: (question: number) => Effect.Effect<number, BenchError>
  /** Never succeeds; fails when the program ends. */
  readonly crashed: Effect.Effect<never, BenchError>
  /** Stops it in the middle of whatever it does, until `resume`. */
  readonly suspend: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

const root = join(import.meta.dirname, "..")
const keptLogLines = 10
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
        env: { PATH: process.env["PATH"], ...environment },
        stdio: ["ignore", "ignore", "pipe", "ipc"]
      })
    ),
    end
  )
  const log: Array<string> = []
  createInterface({ input: child.stderr ?? process.stdin }).on("line", (line) => {
    log.push(line)
    if (log.length > keptLogLines) log.shift()
  })

  const crashed = Effect.flatMap(exit(child), () =>
    Effect.fail(new BenchError({ message: `node ${args.join(" ")} ended:\n${log.join("\n")}` }))
  )
  const converse = (speak: () => void) =>
    Effect.callback<number>((resume) => {
      const heard = (message: unknown) => resume(Effect.succeed(Number(message)))
      child.once("message", heard)
      speak()
      return Effect.sync(() => child.off("message", heard))
    }).pipe(Effect.raceFirst(crashed))
  const signal = (signal: NodeJS.Signals) => Effect.sync(() => void child.kill(signal))

  return {
    hear: converse(() => {}),
    ask: (question) => converse(() => child.send(question)),
    crashed,
    suspend: signal("SIGSTOP"),
    resume: signal("SIGCONT")
  } satisfies Program
})

const exit = (child: ChildProcess): Effect.Effect<void> =>
  Effect.promise(async (aborted) => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit", { signal: aborted })
  })

const end = (child: ChildProcess): Effect.Effect<void> =>
  Effect.gen(function* () {
    child.kill("SIGTERM")
    child.kill("SIGCONT")
    yield* Effect.timeoutOption(exit(child), END_TIMEOUT)
    child.kill("SIGKILL")
    yield* exit(child)
  })
