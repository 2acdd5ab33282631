import { Clock, Console, Effect } from "effect"
import { Command } from "effect/cli"
import * as OperatorParts from "../App/OperatorParts.ts"
import { Screen } from "../demo/Screen.ts"
import { StoredDeadLetters } from "../queue/StoredDeadLetters.ts"
import { confirm, yes } from "./Confirm.ts"
import * as Selection from "./DeadLetterSelection.ts"
import { onlyIfGiven, output } from "./Flags.ts"
import * as Operator from "./Operator.ts"

const config = {
  ...Selection.choice,
  yes,
  dryRun: onlyIfGiven("dry-run", "only say how many would be removed"),
  output: output("text", "json is one document"),
  settings: Operator.settingsFlags
}

/** Removals on their way to the server at one time. */
const CONCURRENCY = 16

export const purge = Command.make("purge", config, ({ output, settings, ...options }) =>
  Operator.run(settings, OperatorParts.deadLetterOperations, ({ defaultNamespace, queueName }) =>
    Effect.gen(function* () {
      const letters = yield* Selection.choose(options, defaultNamespace)
      const matching = Selection.count(letters.length)
      const print = (removed: number, text: string) =>
        Console.log(
          output === "json" ? JSON.stringify({ queue: queueName, matching: letters.length, removed }) : text
        )
      if (letters.length === 0) {
        yield* Selection.reportNone(queueName)
        return output === "json" ? yield* print(0, "") : undefined
      }
      if (options.dryRun) return yield* print(0, `${matching} would be removed`)
      yield* confirm(`remove ${matching} of queue ${queueName}`, letters.length, options.yes)

      const { remove } = yield* StoredDeadLetters
      const screen = new Screen()
      let removed = 0
      yield* Effect.forEach(
        letters,
        (letter) =>
          Effect.gen(function* () {
            if (yield* remove(letter)) removed++
            screen.progress(`removed ${removed} of ${letters.length}`, yield* Clock.currentTimeMillis)
          }),
        { concurrency: CONCURRENCY }
      ).pipe(Effect.ensuring(Effect.sync(() => screen.clear())))
      yield* print(removed, `${Selection.count(removed)} removed`)
    })
  )
).pipe(
  Command.withShortDescription("Remove dead letters for ever"),
  Command.withDescription("Removes dead letters. On a terminal it asks first; elsewhere it wants --yes."),
  Command.withExamples([
    { command: "sluice dead-letter purge --reason undecodable", description: "What nobody can run" },
    {
      command: "sluice dead-letter purge --until 168h --yes",
      description: "Older than a week, from a script"
    }
  ])
)
