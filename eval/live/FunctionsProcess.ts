import { Effect, Latch } from "effect"
import * as NodeProcess from "../../bench/NodeProcess.ts"
import type { Journal, Message, Progress } from "./Journal.ts"
import type { Scenario } from "./Scenario.ts"

/** The functions of a scenario in a process of their own, which is gone when the scope has closed. */
export const start = Effect.fnUntraced(function* (scenario: Scenario) {
  const { child, crashed } = yield* NodeProcess.run(["eval/live/functions.ts", JSON.stringify(scenario)], {})
  let progress: Progress = { finished: 0, running: 0, replicas: 0, rejected: 0 }
  let port: number | undefined
  let journal: Journal | undefined
  const heard = Latch.makeUnsafe()
  child.on("message", (message: Message) => {
    if (message._tag === "Progress") progress = message
    else if (message._tag === "Listening") port = message.port
    else journal = message.journal
    heard.openUnsafe()
  })
  const hear = <A>(value: () => A | undefined) =>
    Effect.gen(function* () {
      while (true) {
        heard.closeUnsafe()
        const found = value()
        if (found !== undefined) return found
        yield* heard.await
      }
    }).pipe(Effect.raceFirst(crashed))

  return {
    url: `http://127.0.0.1:${yield* hear(() => port)}`,
    progress: () => progress,
    /** Everything until now. */
    journal: Effect.suspend(() => {
      journal = undefined
      child.send("journal")
      return hear(() => journal)
    }),
    crashed
  }
})
