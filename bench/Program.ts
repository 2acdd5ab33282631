import { Effect } from "effect"
import * as NodeProcess from "./NodeProcess.ts"

/** Runs a Node process of the benchmark, which speaks in numbers, and ends it with the scope. */
export const run = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>
) {
  const { child, crashed } = yield* NodeProcess.run(args, environment)
  const converse = (speak: () => void) =>
    Effect.callback<number>((resume) => {
      const heard = (message: unknown) => resume(Effect.succeed(Number(message)))
      child.once("message", heard)
      speak()
      return Effect.sync(() => child.off("message", heard))
    }).pipe(Effect.raceFirst(crashed))
  const signal = (signal: NodeJS.Signals) => Effect.sync(() => void child.kill(signal))

  return {
    /** What it says next. */
    hear: converse(() => {}),
    ask: (question: number) => converse(() => child.send(question)),
    crashed,
    /** Stops it in the middle of whatever it does, until `resume`. */
    suspend: signal("SIGSTOP"),
    resume: signal("SIGCONT")
  }
})
