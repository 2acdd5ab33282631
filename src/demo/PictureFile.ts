import { constants } from "node:fs"
import { access, stat, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { Effect } from "effect"
import { UserError } from "../settings/UserError.ts"

/** Fails when the picture will not be writable: better before the run than after it. */
export const check = (path: string): Effect.Effect<void, UserError> =>
  attempt(path, async () => {
    const existing = await stat(path).catch(() => undefined)
    if (existing?.isDirectory() === true) throw new Error("it is a directory")
    await access(existing === undefined ? dirname(path) : path, constants.W_OK)
  })

export const write = (path: string, text: string): Effect.Effect<void, UserError> =>
  attempt(path, () => writeFile(path, text))

const attempt = (path: string, action: () => Promise<void>) =>
  Effect.tryPromise({
    try: action,
    catch: (cause) =>
      new UserError({
        message: `--picture=${JSON.stringify(path)} cannot be written (${cause instanceof Error ? cause.message : String(cause)}): name a file in a directory you may write to`
      })
  })
