import { Clock, Console, Effect, Option, Result } from "effect"
import { Command, Flag } from "effect/cli"
import * as OperatorParts from "../App/OperatorParts.ts"
import { Screen } from "../demo/Screen.ts"
import * as Rate from "../domain/Rate.ts"
import { type Replayed, Replays } from "../queue/Replays.ts"
import type { StoredDeadLetter } from "../queue/StoredDeadLetters.ts"
import { UserError } from "../settings/UserError.ts"
import * as Selection from "./DeadLetterSelection.ts"
import { onlyIfGiven, output } from "./Flags.ts"
import * as Operator from "./Operator.ts"
import * as Paced from "./Paced.ts"
import { iso } from "./ShownLetter.ts"

const config = {
  ...Selection.choice,
  rate: Flag.String("rate").pipe(
    Flag.filterMap(
      (text) => Result.getSuccess(Rate.parse(text)),
      (text) =>
        `Expected a number above 0 per second, minute or hour, such as 10/s, got ${JSON.stringify(text)}`
    ),
    Flag.withMetavar("n/s"),
    Flag.withDescription("at most so many a second (10/s), minute (30/m) or hour"),
    Flag.optional
  ),
  again: onlyIfGiven("again", "also those whose earlier replay ended in the middle: they may run twice"),
  dryRun: onlyIfGiven("dry-run", "only say which would be replayed"),
  output: output("text", "json is one object a line for each dead letter"),
  settings: Operator.settingsFlags
}

export const replay = Command.make("replay", config, ({ output, settings, ...options }) =>
  Operator.run(settings, OperatorParts.deadLetterOperations, ({ defaultNamespace, queueName }) =>
    Effect.gen(function* () {
      const letters = yield* Selection.choose(options, defaultNamespace)
      if (letters.length === 0) return yield* Selection.reportNone(queueName)
      const print = output === "json" ? jsonLine : textLine
      if (options.dryRun) {
        for (const letter of letters) yield* Console.log(print(letter, "would be replayed"))
        return yield* Console.error(`${Selection.count(letters.length)} would be replayed`)
      }

      const { replay } = yield* Replays
      const screen = new Screen()
      const interval = Option.getOrElse(options.rate, () => 0)
      const outcomes: Array<Replayed["_tag"]> = []
      const act = Effect.fnUntraced(function* (letter: StoredDeadLetter, index: number) {
        const replayed = yield* replay(letter, options.again)
        outcomes.push(replayed._tag)
        if (output === "json" || replayed._tag !== "Published") {
          screen.print(print(letter, outcome[replayed._tag], detailOf(replayed)))
        }
        const now = yield* Clock.currentTimeMillis
        screen.progress(`replaying: ${index + 1} of ${letters.length}`, now)
      })
      yield* Paced.forEach(letters, interval, act).pipe(
        Effect.ensuring(Effect.sync(() => screen.note(summary(outcomes, letters.length))))
      )
      const left = outcomes.filter((tag) => tag !== "Published" && tag !== "Gone").length
      if (left > 0) return yield* new UserError({ message: `${Selection.count(left)} could not be replayed` })
    })
  )
).pipe(
  Command.withShortDescription("Make new calls of dead letters"),
  Command.withDescription(
    `Puts dead letters back into their queue as new calls, the oldest first, and removes them.

  A replayed call has the body, headers and call id of the old one, and X-Sluice-Replay-Of names the
  dead letter. Pressing twice, or two people at once, makes one call. When a replay was cut off in the
  middle, run it again within a minute and a half; later it is not known whether the call was made,
  and --again has to decide.`
  ),
  Command.withExamples([
    { command: "sluice dead-letter replay 12 15", description: "Two of them" },
    {
      command: "sluice dead-letter replay --function resize --since 2h --rate 5/s",
      description: "What failed lately, gently"
    },
    { command: "sluice dead-letter replay --all --dry-run", description: "Look first" }
  ])
)

const outcome: Readonly<Record<Replayed["_tag"], string>> = {
  Published: "replayed",
  Gone: "gone",
  Busy: "busy",
  Refused: "refused",
  Unknown: "unknown"
}

const detailOf = (replayed: Replayed): string => {
  switch (replayed._tag) {
    case "Published":
      return ""
    case "Gone":
      return "somebody has replayed or removed it meanwhile"
    case "Busy":
      return "another run is replaying it"
    case "Refused":
      return replayed.detail
    case "Unknown":
      return `a replay that began at ${iso(replayed.sinceMillis)} ended in the middle, and nobody knows whether its call was made; --again makes one in any case`
  }
}

const textLine = (letter: StoredDeadLetter, what: string, detail = "") =>
  `${letter.sequence} ${letter.functionName} ${letter.callId ?? "-"}: ${what}${detail && `, ${detail}`}`

const jsonLine = (letter: StoredDeadLetter, what: string, detail = "") =>
  JSON.stringify({
    sequence: letter.sequence,
    function: letter.functionName,
    callId: letter.callId ?? null,
    outcome: what,
    detail
  })

const summary = (outcomes: ReadonlyArray<Replayed["_tag"]>, total: number): string => {
  const parts = Object.entries(outcome).flatMap(([tag, word]) => {
    const number = outcomes.filter((each) => each === tag).length
    return number === 0 ? [] : [`${number} ${word}`]
  })
  const untried = total - outcomes.length
  return [...parts, ...(untried === 0 ? [] : [`${untried} not tried`])].join(", ")
}
