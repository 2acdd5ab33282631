import { Command } from "effect/cli"
import { ls } from "./DeadLetterLs.ts"
import { purge } from "./DeadLetterPurge.ts"
import { replay } from "./DeadLetterReplay.ts"
import { show } from "./DeadLetterShow.ts"

export const deadLetter = Command.make("dead-letter").pipe(
  Command.withShortDescription("Calls that will not be tried again: look, replay, remove"),
  Command.withDescription(
    `Dead letters are calls that will not be tried again, kept for people.

  These commands need nothing but NATS; no worker has to run.`
  ),
  Command.withSubcommands([ls, show, replay, purge])
)
