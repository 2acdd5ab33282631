import { setTimeout as pause } from "node:timers/promises"
import { Cause, Effect, Exit } from "effect"

const tries = 400
const pauseMillis = 25

/**
 * Tries until the check succeeds with anything but `false`, and gives that value; dies with the last failure after
 * ten seconds. Real time, whatever the test's clock: only for what no event tells.
 */
export const eventually = Effect.fnUntraced(function* <A, E = never, R = never>(
  what: string,
  check: Effect.Effect<A, E, R> | (() => A)
) {
  const attempt = Effect.isEffect(check) ? check : Effect.sync(check)
  let last = "it was false"
  for (let n = 0; n < tries; n++) {
    const exit = yield* Effect.exit(attempt)
    if (Exit.isSuccess(exit) && exit.value !== false) return exit.value
    if (Exit.isFailure(exit)) last = Cause.pretty(exit.cause)
    yield* Effect.promise((signal) => pause(pauseMillis, undefined, { signal }))
  }
  return yield* Effect.die(
    new Error(`never happened in ${(tries * pauseMillis) / 1000} s: ${what} (${last})`)
  )
})
