import { Result } from "effect"
import * as Call from "./Call.ts"
import type * as DeadLetter from "./DeadLetter.ts"
import * as FunctionName from "./FunctionName.ts"
import * as Headers from "./Headers.ts"
import * as StreamCreation from "./StreamCreation.ts"

/** The header of a replayed call that names its dead letter. */
export const LINK = "X-Sluice-Replay-Of"

/** Names the dead letter at `sequence` for ever, as one token of a subject. */
export const link = (deadStreamCreated: string, sequence: number): string =>
  `${StreamCreation.token(deadStreamCreated)}-${sequence}`

export interface Replay {
  readonly fn: FunctionName.FunctionName
  readonly message: Uint8Array
}

/**
 * The new call that a dead letter becomes: the same function, method, path, body, annotations and headers (the
 * call id too), accepted at `nowMillis`, with a link to the letter.
 *
 * @returns the call, or why there can be none.
 */
export const of = (
  letter: Pick<DeadLetter.Known, "kind" | "functionName">,
  message: Uint8Array,
  linkText: string,
  nowMillis: number
): Result.Result<Replay, string> => {
  if (letter.kind === "callback") {
    return Result.fail("it is a result that its receiver did not take; a replay would run the function again")
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
  return Result.succeed({ fn: fn.success, message: Call.encode({ ...call.success, header }) })
}
