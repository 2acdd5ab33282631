import { type Effect, Result, type Scope } from "effect"
import * as WebhookSignature from "../domain/WebhookSignature.ts"
import * as WatchedFile from "../files/WatchedFile.ts"

/** The keys callbacks are signed with, as the file has them now: the current one first. */
export type SigningKeys = () => ReadonlyArray<WebhookSignature.Key>

/** Reads `callback_signing_keys_file`, and again whenever it changes while the scope is open. */
export const make = (path: string): Effect.Effect<SigningKeys, WatchedFile.WatchedFileError, Scope.Scope> =>
  WatchedFile.make({
    path,
    setting: "callback_signing_keys_file",
    content: "keys",
    parse: (text) =>
      WebhookSignature.keysFromText(text).pipe(
        Result.mapError((mistakes) => mistakes.map((mistake) => ({ ...mistake, column: 1 })))
      ),
    changes: (before, after) => (sameKeys(before, after) ? {} : { keys: after.length })
  })

const sameKeys = (
  some: ReadonlyArray<WebhookSignature.Key>,
  others: ReadonlyArray<WebhookSignature.Key>
): boolean =>
  some.length === others.length &&
  some.every((key, index) => Buffer.compare(key, others[index] ?? new Uint8Array()) === 0)
