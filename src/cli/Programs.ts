import { Effect } from "effect"
import type { Settings } from "../settings/Settings.ts"
import type { UserError } from "../settings/UserError.ts"

/** Stands in for App.ts until it exists: the same names and shapes, and it only waits to be stopped. */
export const gateway = (_settings: Settings): Effect.Effect<never, UserError> => Effect.never

export const worker = (_settings: Settings): Effect.Effect<never, UserError> => Effect.never

export const start = (
  _settings: Settings,
  _options: { readonly store: string | undefined }
): Effect.Effect<never, UserError> => Effect.never

/** Stands in for demo/Demo.ts. */
export const demo = (_options: {
  readonly calls: number
  readonly picture: string
  readonly seed: number | undefined
}): Effect.Effect<void, UserError> => Effect.void
