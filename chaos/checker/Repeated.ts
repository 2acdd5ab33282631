import { type Case, isExcused, isFinal, type Life, mayHaveTimedOut } from "./Lives.ts"
import type { Violation } from "./Rules.ts"

/** Something that happened once more than it should have. */
interface Repetition {
  readonly call: string
  readonly kind: "attempt" | "callback"
  readonly excused: boolean
  readonly text: string
}

/**
 * Every attempt that began while another one was running or after the call's final result, and every callback after
 * the first one that was taken.
 */
export const repetitions = (given: Case): ReadonlyArray<Repetition> =>
  [...given.lives.values()].flatMap((life) => attempts(given, life).concat(callbacks(given, life)))

export const unexcused = (given: Case): ReadonlyArray<Violation> =>
  repetitions(given)
    .filter(({ excused }) => !excused)
    .map(({ call, kind, text }) => ({
      rule: kind === "attempt" ? "ran again" : "reported again",
      call,
      text
    }))

const attempts = (given: Case, life: Life): Array<Repetition> =>
  life.attempts.flatMap((later, index) => {
    const before = life.attempts.slice(0, index)
    const done = before.find(
      (attempt) =>
        attempt.end <= later.begin &&
        isFinal(attempt.outcome, given.rules) &&
        !mayHaveTimedOut(attempt, attempt.end, given.rules)
    )
    const beside = before.find(
      (attempt) =>
        attempt.end > later.begin + SAME_MOMENT && !mayHaveTimedOut(attempt, later.begin, given.rules)
    )
    const buried = life.dead.find(
      ({ reason, storedAt }) => reason !== "callback-undeliverable" && storedAt + SAME_MOMENT < later.begin
    )
    const first = done ?? beside ?? (buried === undefined ? undefined : before.at(-1))
    if (first === undefined && buried === undefined) return []
    const from = first?.inHandSince ?? buried?.storedAt ?? 0
    const workers = [later.worker, ...(first === undefined ? [] : [first.worker])]
    const what = done !== undefined ? "had succeeded" : beside !== undefined ? "was running" : "was dead"
    return [
      {
        call: life.call,
        kind: "attempt" as const,
        excused: isExcused(given, life.call, from, later.begin, workers),
        text: `began in ${later.worker} at ${later.begin} ms when it ${what} (in ${first?.worker ?? "no worker"} from ${from} ms)`
      }
    ]
  })

/** Milliseconds: a caller that goes away is seen a moment later, and clocks of two processes differ a little. */
const SAME_MOMENT = 100

const callbacks = (given: Case, life: Life): ReadonlyArray<Repetition> => {
  const taken = life.callbacks.filter(({ taken }) => taken)
  return taken.slice(1).map((again, index) => {
    const before = taken[index]?.t ?? 0
    // It is posted again by whoever gets the call, or the callback, again; the first to be asked is the attempt.
    const from = Math.min(before, ...life.attempts.map(({ begin }) => begin))
    return {
      call: life.call,
      kind: "callback" as const,
      excused: isExcused(given, life.call, from, again.t),
      text: `its callback was taken at ${before} ms and again at ${again.t} ms`
    }
  })
}
