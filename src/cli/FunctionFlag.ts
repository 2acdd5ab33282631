import { Effect, Option, Result } from "effect"
import { Flag } from "effect/cli"
import * as FunctionName from "../domain/FunctionName.ts"
import { UserError } from "../settings/UserError.ts"

/** @param what of a function is meant, as in "only the calls of this function" */
export const flag = (what: string): Flag.Flag<Option.Option<string>> =>
  Flag.String("function").pipe(
    Flag.withMetavar("name"),
    Flag.withDescription(`${what}, NAME or NAME.NAMESPACE`),
    Flag.optional
  )

/** The function that was given, if one was; fails when it cannot be the name of one. */
export const parse = (
  given: Option.Option<string>,
  defaultNamespace: string
): Effect.Effect<FunctionName.FunctionName | undefined, UserError> =>
  Option.match(given, {
    onNone: () => Effect.succeed(undefined),
    onSome: (name) =>
      Effect.fromResult(
        Result.mapError(
          FunctionName.parse(name, defaultNamespace),
          (why) => new UserError({ message: `--function=${JSON.stringify(name)}: ${why}` })
        )
      )
  })
