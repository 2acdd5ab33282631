import { Clock, Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as OperatorParts from "../App/OperatorParts.ts"
import { Screen } from "../demo/Screen.ts"
import { StoredDeadLetters } from "../queue/StoredDeadLetters.ts"
import { confirm } from "./Confirm.ts"
import * as Selection from "./DeadLetterSelection.ts"
import * as Operator from "./Operator.ts"

const config = {
  ids: Selection.ids,
  all: Selection.all,
  selection: Selection.flags,
  yes: Flag.Boolean("yes").pipe(
    Flag.withoutNegation,
    Flag.withDescription("do not ask"),
    Flag.withDefault(false)
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withoutNegation,
    Flag.withDescription("only say how many would be removed"),
    Flag.withDefault(false)
  ),
  output: Flag.Literals("output", ["text", "json"]).pipe(
    Flag.withDescription("json is one document (default text)"),
    Flag.withDefault("text")
  ),
  settings: Operator.settingsFlags
}

/** Removals on their way to the server at one time. */
const CONCURRENCY = 16

export const purge = Command.make("purge", config, ({ output, settings, ...options }) =>
  Operator.run(settings, OperatorParts.deadLetterOperations, ({ defaultNamespace, queueName }) =>
    Effect.gen(function* () {
      const selection = { ...options.selection, ids: options.ids }
      yield* Selection.requireChoice(selection, options.all)
      const letters = yield* Selection.select(selection, defaultNamespace)
      const print = (removed: number, what: string) =>
        Console.log(
          output === "json"
            ? JSON.stringify({ queue: queueName, matching: letters.length, removed })
            : `${letters.length === 1 ? "1 dead letter" : `${removed || letters.length} dead letters`} ${what}`
        )
      if (letters.length === 0) {
        yield* Console.error(`no such dead letter in queue ${queueName}`)
        return output === "json" ? yield* print(0, "") : undefined
      }
      if (options.dryRun) return yield* print(0, "would be removed")
      yield* confirm(
        `remove ${letters.length === 1 ? "1 dead letter" : `${letters.length} dead letters`} of queue ${queueName}`,
        letters.length,
        options.yes
      )

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
      yield* print(removed, "removed")
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
