import * as Outcome from "./Outcome.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/** Why a call will not be tried again and is kept for people. */
export type DeadReason =
  | "undecodable"
  | "function-mismatch"
  | "exhausted"
  | "expired"
  | "unknown-function"
  | "unfinished"
  | "callback-undeliverable"

/** What happens to a delivery. */
export type Verdict =
  | { readonly _tag: "Done" }
  /** The function had no room: the call goes out again when there is some, and has used no attempt. */
  | { readonly _tag: "Hold" }
  | { readonly _tag: "Retry"; readonly delayMillis: number }
  | { readonly _tag: "Dead"; readonly reason: DeadReason }

const done: Verdict = { _tag: "Done" }
const hold: Verdict = { _tag: "Hold" }
const exhausted: Verdict = { _tag: "Dead", reason: "exhausted" }
const expired: Verdict = { _tag: "Dead", reason: "expired" }

/**
 * What happens after the answer to this `attempt` (from 1). A call is tried at most `1 + maxAttempts` times.
 *
 * @param random in [0, 1), for the jitter
 * @param rules `holdRejected`: a call that its function had no room for stays with the worker; `tooOld`: it is
 * not tried again, whatever its attempts.
 */
export const decide = (
  answer: Outcome.Answer,
  attempt: number,
  policy: RetryPolicy.RetryPolicy,
  random: number,
  rules: { readonly holdRejected: boolean; readonly tooOld: boolean }
): Verdict => {
  if (!Outcome.isRetryable(answer, policy.codes)) return done
  if (rules.tooOld) return expired
  if (rules.holdRejected && Outcome.signal(answer) === "rejected") return hold
  const retryAfter = answer._tag === "Reply" ? answer.retryAfter : undefined
  const delayMillis = RetryPolicy.nextDelay(policy, attempt, { retryAfter, random })
  return delayMillis === undefined ? exhausted : { _tag: "Retry", delayMillis }
}
