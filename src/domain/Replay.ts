import { Result } from "effect"
import * as Call from "./Call.ts"
import * as CallbackMessage from "./CallbackMessage.ts"
import type * as DeadLetter from "./DeadLetter.ts"
import * as FunctionName from "./FunctionName.ts"
import * as Headers from "./Headers.ts"
import * as StreamCreation from "./StreamCreation.ts"

/** The header of a replayed call that names its dead letter. */
export const LINK = "X-Sluice-Replay-Of"

/** Names the dead letter at `sequence` for ever, as one token of a subject. */
export const link = (deadStreamCreated: string, sequence: number): string =>
  `${StreamCreation.token(deadStreamCreated)}-${sequence}`

/** What a dead letter becomes: a new call, or one more round of tries to deliver a result. */
export type Replay =
  | { readonly _tag: "Call"; readonly fn: FunctionName.FunctionName; readonly message: Uint8Array }
  /** `url`: of the receiver, absolute */
  | { readonly _tag: "Callback"; readonly url: string; readonly message: Uint8Array }

/**
 * The new call that a dead letter becomes: the same function, method, path, body, annotations and headers (the
 * call id too), accepted at `nowMillis`, with a link to the letter. A result that its receiver did not take is
 * stored for it once more as it is: the function does not run again, and the receiver sees the same id.
 *
 * @returns what goes into a queue, or why there is nothing.
 */
export const of = (
  letter: Pick<DeadLetter.Known, "kind" | "functionName">,
  message: Uint8Array,
  linkText: string,
  nowMillis: number
): Result.Result<Replay, string> => {
  if (letter.kind === "callback") {
    const stored = CallbackMessage.decode(message)
    // A callback URL that nobody can call leaves its call's message as it was.
    return Result.isFailure(stored) || !URL.canParse(stored.success.url)
      ? Result.fail("it is a call whose callback goes nowhere; a replay would run the function again")
      : Result.succeed({ _tag: "Callback", url: stored.success.url, message })
  }
  const fn = FunctionName.parse(letter.functionName, "")
  if (Result.isFailure(fn))
    return Result.fail(`it names no function (${JSON.stringify(letter.functionName)})`)
  const call = Call.decode(message)
  if (Result.isFailure(call)) return Result.fail(`nobody could run it: ${call.failure}`)
  const header = Headers.replaced(call.success.header, {
    [LINK]: [linkText],
    // Nanoseconds, as the gateway writes it.
    "X-Start-Time": [String(BigInt(Math.floor(nowMillis)) * 1_000_000n)]
  })
  return Result.succeed({ _tag: "Call", fn: fn.success, message: Call.encode({ ...call.success, header }) })
}
