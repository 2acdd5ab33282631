import type { DeadLetter } from "../history/Event.ts"
import {
  type Attempt,
  type Case,
  isExcused,
  isFailure,
  type Life,
  type Stay,
  mayHaveTimedOut,
  placeOf
} from "./Lives.ts"
import type { Violation } from "./Rules.ts"

/** A call is a dead letter only for what its function and its receiver did, and only once. */
export const wronglyDead = (given: Case): ReadonlyArray<Violation> =>
  [...given.lives.values()].flatMap((life) =>
    life.dead
      .flatMap((letter) => whyWrong(given, life, letter) ?? [])
      .map((text): Violation => ({ rule: "wrongly dead", call: life.call, text }))
      .concat(twice(life))
  )

const twice = (life: Life): ReadonlyArray<Violation> =>
  [...Map.groupBy(life.dead, ({ reason }) => reason === "callback-undeliverable").values()]
    .filter((letters) => letters.length > 1)
    .map((letters) => ({
      rule: "dead twice",
      call: life.call,
      text: `it has ${letters.length} dead letters: ${letters.map(({ reason }) => reason).join(", ")}`
    }))

const whyWrong = (given: Case, life: Life, letter: DeadLetter): string | undefined => {
  switch (letter.reason) {
    case "exhausted":
      return whyNotExhausted(given, life, letter)
    case "unfinished": {
      // In hand and not running: a worker writes that it begins before its function hears of it, and may die between.
      const crashes = life.stays.filter((stay) => diedWithIt(given, stay, letter.storedAt)).length
      // A delivery that nobody saw is taken for one, once.
      const needed = given.rules.maxUnfinished - 1
      return crashes >= needed
        ? undefined
        : `dead as unfinished, and ${crashes} workers died that had it in hand; ${needed} are needed`
    }
    case "callback-undeliverable":
      return "its callback was given up, and no receiver of these runs refuses one for ever"
    default:
      return `dead as ${letter.reason}, which no call of these runs can be`
  }
}

const whyNotExhausted = (given: Case, life: Life, letter: DeadLetter): string | undefined => {
  const allowed = (given.rules.functions.get(life.fn)?.retries ?? 0) + 1
  // A worker that was stopped takes an answer for a timeout when it goes on.
  const failed = life.attempts.filter(
    (attempt) =>
      isFailure(attempt, given.rules) ||
      mayHaveTimedOut(attempt, attempt.end, given.rules) ||
      wasStoppedIn(given, attempt)
  ).length
  if (failed < allowed) {
    return `dead as exhausted (Sluice-Attempts: ${letter.attempts}) after ${failed} failed attempts of ${allowed}`
  }
  // Two workers that had it at the same time have both counted what they tried.
  const doubled = letter.attempts > allowed && isExcused(given, life.call, beganAt(life), letter.storedAt)
  return letter.attempts === allowed || doubled
    ? undefined
    : `dead as exhausted, and its header counts ${letter.attempts} attempts where the policy has ${allowed}`
}

const beganAt = ({ attempts }: Life): number => Math.min(...attempts.map(({ begin }) => begin))

const wasStoppedIn = (given: Case, attempt: Attempt): boolean =>
  given.faults.some(
    ({ begin, end, kind, target }) =>
      kind === "worker-stopped" &&
      target === placeOf(attempt.worker) &&
      begin <= attempt.end &&
      end >= attempt.begin
  )

const diedWithIt = (given: Case, { since, until, worker }: Stay, before: number): boolean =>
  given.faults.some(
    ({ begin, kind, target }) =>
      kind.startsWith("worker-killed") &&
      target === placeOf(worker) &&
      begin >= since &&
      begin <= Math.min(until, before)
  )

/** Milliseconds that the function may need to see what became of the connection. */
const SEEN_LATER = 200

/** A call gets no more attempts than its policy has, except those whose end was lost in a fault. */
export const tooManyAttempts = (given: Case): ReadonlyArray<Violation> =>
  [...given.lives.values()].flatMap((life) => {
    const allowed = (given.rules.functions.get(life.fn)?.retries ?? 0) + 1
    const failed = life.attempts.filter((attempt) => isFailure(attempt, given.rules))
    const counted = failed.filter(
      ({ inHandSince, inHandUntil, worker }) =>
        !isExcused(given, life.call, inHandSince, inHandUntil + SEEN_LATER, [worker])
    )
    return counted.length <= allowed
      ? []
      : [
          {
            rule: "too many attempts",
            call: life.call,
            text: `${counted.length} attempts failed, ${allowed} are allowed, and no fault explains the others`
          }
        ]
  })

/** A callback says what the function said. */
export const wrongCallbacks = (given: Case): ReadonlyArray<Violation> =>
  [...given.lives.values()].flatMap((life) => {
    if (life.dead.some(({ reason }) => reason === "unfinished")) return []
    const possible = new Set(life.attempts.map(statusOf))
    return life.callbacks
      .filter(({ functionStatus, t }) => {
        const excused = life.attempts.some(
          (attempt) =>
            isExcused(given, life.call, attempt.begin, t, [attempt.worker]) ||
            (functionStatus === TIMED_OUT && mayHaveTimedOut(attempt, attempt.end, given.rules))
        )
        return !possible.has(functionStatus) && !excused
      })
      .map(({ functionStatus }) => ({
        rule: "callback",
        call: life.call,
        text: `its callback says ${functionStatus}, and the function never did`
      }))
  })

const TIMED_OUT = 504

const statusOf = ({ outcome }: Attempt): number => {
  switch (outcome?._tag) {
    case "Answered":
      return outcome.status
    case "Half":
      return 502
    case "Reset":
      return 503
    default:
      return TIMED_OUT
  }
}
