import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import * as OperatorParts from "../App/OperatorParts.ts"
import { table } from "../demo/Table.ts"
import type { StoredDeadLetter } from "../queue/StoredDeadLetters.ts"
import * as Selection from "./DeadLetterSelection.ts"
import { output } from "./Flags.ts"
import * as Operator from "./Operator.ts"
import { iso, summaryJson } from "./ShownLetter.ts"

const flags = {
  output: output("table", "json is one object a line"),
  selection: Selection.flags,
  settings: Operator.settingsFlags
}

export const ls = Command.make("ls", flags, ({ output, selection, settings }) =>
  Operator.run(settings, OperatorParts.deadLetterOperations, ({ defaultNamespace, queueName }) =>
    Effect.gen(function* () {
      const letters = yield* Selection.select(selection, defaultNamespace)
      if (output === "json") {
        for (const letter of letters) yield* Console.log(JSON.stringify(summaryJson(letter)))
      } else if (letters.length > 0) {
        yield* Console.log(table([head, ...letters.map(row)], 5).join("\n"))
      }
      if (letters.length === 0) yield* Selection.reportNone(queueName)
    })
  )
).pipe(
  Command.withShortDescription("List dead letters"),
  Command.withDescription("Lists the calls that will not be tried again, the oldest first."),
  Command.withExamples([
    { command: "sluice dead-letter ls --function resize --since 2h", description: "What failed lately" },
    { command: "sluice dead-letter ls --reason exhausted --output json", description: "For programs" }
  ])
)

const head = ["ID", "DIED", "FUNCTION", "REASON", "CALL ID", "STATUS", "TRIES", "BYTES"]

const row = (letter: StoredDeadLetter): ReadonlyArray<string> => [
  String(letter.sequence),
  iso(letter.deadMillis),
  letter.functionName || "-",
  letter.reason || "-",
  letter.callId ?? "-",
  String(letter.lastStatus ?? "-"),
  String(letter.attempts ?? "-"),
  String(letter.bytes)
]
