import { Console, Effect, Option } from "effect"
import { Command } from "effect/cli"
import * as OperatorParts from "../App/OperatorParts.ts"
import { StoredDeadLetters } from "../queue/StoredDeadLetters.ts"
import { UserError } from "../settings/UserError.ts"
import * as Selection from "./DeadLetterSelection.ts"
import { output } from "./Flags.ts"
import * as Operator from "./Operator.ts"
import * as ShownLetter from "./ShownLetter.ts"

const config = {
  id: Selection.id,
  output: output("text", "json is one object a line"),
  settings: Operator.settingsFlags
}

const none = Option.none<never>()
const everything = { function: none, reason: none, since: none, until: none, callId: none, limit: none }

export const show = Command.make("show", config, ({ id, output, settings }) =>
  Operator.run(settings, OperatorParts.deadLetterOperations, ({ defaultNamespace }) =>
    Effect.gen(function* () {
      const { open } = yield* StoredDeadLetters
      const letters = yield* Selection.select({ ...everything, ids: [id] }, defaultNamespace)
      for (const [index, letter] of letters.entries()) {
        const contents = yield* open(letter)
        if (Option.isNone(contents)) {
          return yield* new UserError({ message: `dead letter ${letter.sequence} was removed just now` })
        }
        if (output === "text" && index > 0) yield* Console.log("")
        yield* Console.log(
          output === "json"
            ? JSON.stringify(ShownLetter.json(letter, contents.value))
            : ShownLetter.text(letter, contents.value)
        )
      }
    })
  )
).pipe(
  Command.withShortDescription("Show one dead letter"),
  Command.withDescription(
    `Shows why a call died, the beginning of its last answer, and the call itself.

  Values of headers that look like secrets are hidden. A call id may belong to several letters:
  all of them are shown.`
  ),
  Command.withExamples([{ command: "sluice dead-letter show 12", description: "By its sequence" }])
)
