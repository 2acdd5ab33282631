import { createInterface } from "node:readline"
import type { Readable, Writable } from "node:stream"
import { Effect } from "effect"
import { UserError } from "../settings/UserError.ts"
import { onlyIfGiven } from "./Flags.ts"

/** Where people are asked; not a terminal when nobody is there to answer. */
interface Terminal {
  readonly input: Readable
  readonly output: Writable
  readonly isTerminal: boolean
}

const ours: Terminal = {
  input: process.stdin,
  output: process.stderr,
  isTerminal: process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** For those who have nobody to ask. */
export const yes = onlyIfGiven("yes", "do not ask")

/**
 * Asks before something that cannot be undone: the number has to be typed. Fails when it was not, and when there
 * is nobody to ask.
 *
 * @param what is about to happen, as in "remove 12 dead letters"
 */
export const confirm = (
  what: string,
  count: number,
  yes: boolean,
  terminal: Terminal = ours
): Effect.Effect<void, UserError> => {
  if (yes) return Effect.void
  if (!terminal.isTerminal) {
    return Effect.fail(new UserError({ message: `this would ${what}, for ever: add --yes if you mean it` }))
  }
  return Effect.callback<string>((resume) => {
    const { input, output } = terminal
    const lines = createInterface({ input, output })
    lines.once("close", () => resume(Effect.succeed("")))
    lines.question(`This will ${what}, for ever. Type ${count} to go on: `, (answer) => {
      resume(Effect.succeed(answer.trim()))
      lines.close()
    })
    return Effect.sync(() => lines.close())
  }).pipe(
    Effect.flatMap((answer) =>
      answer === String(count)
        ? Effect.void
        : Effect.fail(new UserError({ message: "nothing was removed: the number was not typed" }))
    )
  )
}
