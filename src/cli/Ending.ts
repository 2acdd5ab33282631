import { Cause, Effect, Exit, Predicate } from "effect"
import { CliError } from "effect/cli"
import type { Teardown } from "effect/Runtime"

/**
 * Tells why the program ends. A typed failure is something its user can act on: its message, no stack.
 * Everything else is a mistake of ours: message and stack.
 */
export const report = <E>(cause: Cause.Cause<E>): Effect.Effect<void> =>
  Effect.sync(() => {
    if (Cause.hasDies(cause)) return void process.stderr.write(`sluice: ${Cause.pretty(cause)}\n`)
    for (const failure of failures(cause)) {
      // The command line has been complained about already.
      if (!isCommandLine(failure)) process.stderr.write(`sluice: ${messageOf(failure)}\n`)
    }
  })

/** 0 when the work is done or a signal stopped it, 2 when its user can act, 1 for our own mistakes. */
export const teardown: Teardown = (exit, onExit) => onExit(codeOf(exit))

function codeOf(exit: Exit.Exit<unknown, unknown>): number {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasDies(exit.cause)) return 1
  return failures(exit.cause).some((failure) => !isHelp(failure)) ? 2 : 0
}

/** The first signal stops gracefully (runMain does that); the second one stops at once. */
export const stopAtSecondSignal: Effect.Effect<void> = Effect.sync(() => {
  let signals = 0
  const count = () => {
    signals += 1
    if (signals > 1) process.exit(130)
  }
  process.on("SIGINT", count).on("SIGTERM", count)
})

function failures<E>(cause: Cause.Cause<E>): ReadonlyArray<E> {
  return cause.reasons.filter(Cause.isFailReason).map(({ error }) => error)
}

function isCommandLine(failure: unknown): failure is CliError.ShowHelp {
  return CliError.isCliError(failure) && Predicate.isTagged(failure, "ShowHelp")
}

function isHelp(failure: unknown): boolean {
  return isCommandLine(failure) && failure.errors.length === 0
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure)
}
