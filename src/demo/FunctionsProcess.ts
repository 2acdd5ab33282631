import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Clock, Data, Deferred, Duration, Effect, Latch, Option, Schema } from "effect"
import { FunctionsReport } from "./FunctionsReport.ts"
import type { Journal } from "./Journal.ts"

/** The process of the sample functions could not be run. */
class FunctionsError extends Data.TaggedError("FunctionsError")<{ readonly message: string }> {}

const program = fileURLToPath(new URL("functions.ts", import.meta.url))
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(FunctionsReport))
const KEPT_ERROR_CHARACTERS = 2_000
const PATIENCE = Duration.seconds(2)

/** Runs the sample functions in a process of their own, which is gone when the scope has closed. */
export const start = Effect.fnUntraced(function* (seed: number, journal: Journal) {
  const listening = Deferred.makeUnsafe<{ readonly url: string; readonly file: string }>()
  const ended = Deferred.makeUnsafe<void>()
  const sampled = Latch.makeUnsafe()
  let errors = ""

  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      // In a session of its own: Ctrl-C is for us, and running calls still need their function.
      spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, String(seed)], {
        stdio: ["pipe", "pipe", "pipe"],
        detached: true
      })
    ),
    Effect.fnUntraced(function* (child) {
      child.stdin.end()
      const inTime = yield* Effect.timeoutOption(Effect.interruptible(Deferred.await(ended)), PATIENCE)
      if (Option.isSome(inTime)) return
      child.kill("SIGKILL")
      yield* Deferred.await(ended)
    })
  )
  // Written to only to be closed; it may be gone by then.
  child.stdin.on("error", () => {})
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-KEPT_ERROR_CHARACTERS)
  })
  child.once("error", (error) => (errors = error.message))
  child.once("close", () => Deferred.doneUnsafe(ended, Effect.void))
  createInterface({ input: child.stdout }).on("line", (line) => {
    const report = decode(line)
    switch (report._tag) {
      case "Listening":
        return Deferred.doneUnsafe(listening, Effect.succeed(report))
      case "Attempt":
        return journal.attempts.push(report)
      case "InFlight":
        journal.inFlight.push(report)
        return sampled.openUnsafe()
    }
  })

  /** Never succeeds; fails when the process ends before the scope closes. */
  const crashed = Effect.flatMap(Deferred.await(ended), () =>
    Effect.fail(new FunctionsError({ message: `the sample functions ended too early\n${errors}`.trimEnd() }))
  )
  const { file, url } = yield* Effect.raceFirst(Deferred.await(listening), crashed)

  return {
    url,
    file,
    pid: child.pid,
    crashed,
    /** Done when the journal has everything that has happened until now. */
    caughtUp: Effect.gen(function* () {
      // Reports come in order, so a later sample comes after every earlier attempt.
      const now = yield* Clock.currentTimeMillis
      while ((journal.inFlight.at(-1)?.at ?? 0) <= now) {
        sampled.closeUnsafe()
        yield* sampled.await
      }
    })
  }
})
