import { type Case, isFinal, type Life } from "./Lives.ts"
import type { Violation } from "./Rules.ts"

/** Every accepted call has its final result or is still stored; one that was refused never runs. */
export const lost = (given: Case): ReadonlyArray<Violation> => {
  const stored = new Set([
    ...(given.end?.queue ?? []).map(({ call }) => call),
    ...(given.end?.callbacks ?? [])
  ])
  return [...given.lives.values()].flatMap((life) => {
    const violation = (text: string): ReadonlyArray<Violation> => [{ rule: "lost", call: life.call, text }]
    if (life.refused && (life.attempts.length > 0 || life.dead.length > 0 || stored.has(life.call))) {
      return violation("the client was told that it was not stored, and it was")
    }
    if (stored.has(life.call)) return []
    const finished = hasFinished(given, life)
    if (!finished) {
      // Nobody was promised anything about a call that left no trace.
      return life.accepted || life.attempts.length > 0
        ? violation(
            `${life.accepted ? "accepted" : "stored"}, and it is nowhere: no final answer, no dead letter, not in the stream`
          )
        : []
    }
    const reported = life.callbacks.some(({ taken }) => taken)
    const given_up = life.dead.some(({ reason }) => reason === "callback-undeliverable")
    return life.callback && !reported && !given_up
      ? violation("finished, and its callback is nowhere: not at the receiver, not stored")
      : []
  })
}

/** The function's last word has been spoken, or the call is dead. */
const hasFinished = ({ rules }: Case, life: Life): boolean =>
  life.attempts.some(({ outcome }) => isFinal(outcome, rules)) || life.dead.length > 0

/** After the bound nothing waits any more. */
export const unsettled = ({ end }: Case): ReadonlyArray<Violation> =>
  end === undefined
    ? [{ rule: "settled", call: undefined, text: "nobody looked at the end" }]
    : [
        ...end.queue.map(({ call }) => stillIn("calls", call)),
        ...end.callbacks.map((call) => stillIn("callbacks", call))
      ]

const stillIn = (where: string, call: string): Violation => ({
  rule: "settled",
  call,
  text: `still in the stream of ${where} when everything should have settled`
})
