import { Console, Effect, type Layer, type Option } from "effect"
import type { Flag } from "effect/cli"
import { QueueError } from "../queue/QueueError.ts"
import type { Settings } from "../settings/Settings.ts"
import { UserError } from "../settings/UserError.ts"
import * as Logging from "../telemetry/Logging.ts"
import * as SettingsFlags from "./SettingsFlags.ts"

/** The settings that commands of operators read. */
export const settingsFlags: Record<string, Flag.Flag<Option.Option<string>>> = SettingsFlags.flagsFor(
  "operator"
)

/** Runs a command over NATS. It ends by itself, and every failure is one its user can act on. */
export const run = <R, LE, E, A>(
  given: SettingsFlags.Given,
  layer: (settings: Settings) => Layer.Layer<R, LE>,
  command: (settings: Settings) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const { settings, warnings } = yield* SettingsFlags.effective("operator", given)
    for (const warning of warnings) yield* Console.error(`warning: ${warning}`)
    return yield* command(settings).pipe(
      Effect.provide(layer(settings)),
      Effect.mapError(toUserError),
      // On stderr: stdout belongs to what the command prints.
      Effect.provide(Logging.layer({ encoding: "console", debug: false }))
    )
  })

const toUserError = <E>(error: E): Exclude<E, QueueError> | UserError =>
  error instanceof QueueError
    ? new UserError({ message: `NATS did not do what was asked: ${error.detail}` })
    : (error as Exclude<E, QueueError>)
