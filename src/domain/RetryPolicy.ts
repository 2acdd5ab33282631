import { Duration, Effect, Pull, Result, Schedule } from "effect"
import * as GoDuration from "./GoDuration.ts"

/** How waits are spread: not at all, over 0 to 100 %, or over 50 to 100 % of the delay. */
export type Backoff = "exponential" | "full" | "equal"

/** When a call is tried again. Waits are milliseconds. */
export interface RetryPolicy {
  /** Retries: a call is tried at most once more than this. */
  readonly maxAttempts: number
  /** The wait before the first retry; doubled for each one after it. */
  readonly initialWait: number
  readonly maxWait: number
  /** The statuses that are retried. */
  readonly codes: ReadonlySet<number>
  readonly backoff: Backoff
}

const longestRetryAfter = 3_600_000

const allowedCodes = 'HTTP statuses from 300 to 599 with commas between them, such as "429,500,503"'

/** Reads a list of statuses to retry; on failure, what is allowed. A 2xx is final, so it cannot be listed. */
export const codesFromText = (text: string): Result.Result<ReadonlySet<number>, string> => {
  const parts = text.split(",").map((part) => part.trim())
  return parts.every((part) => /^[345]\d\d$/.test(part))
    ? Result.succeed(new Set(parts.map(Number)))
    : Result.fail(allowedCodes)
}

const annotation = {
  attempts: "com.openfaas.retry.attempts",
  codes: "com.openfaas.retry.codes",
  minWait: "com.openfaas.retry.min_wait",
  maxWait: "com.openfaas.retry.max_wait"
} as const

const attemptsFromText = (text: string): Result.Result<number, string> =>
  /^\d{1,6}$/.test(text) ? Result.succeed(Number(text)) : Result.fail("a whole number from 0 to 999999")

/** A function's own policy, and what was wrong with the annotations that did not make it into it. */
interface Overridden {
  readonly policy: RetryPolicy
  /** One sentence for each annotation that was not understood. */
  readonly invalid: ReadonlyArray<string>
}

const override = (base: RetryPolicy, annotations: Readonly<Record<string, string>>): Overridden => {
  const invalid: Array<string> = []
  const read = <A>(
    key: string,
    fallback: A,
    shown: string,
    parse: (text: string) => Result.Result<A, string>
  ): A => {
    const text = annotations[key]
    if (text === undefined) return fallback
    const parsed = parse(text)
    if (Result.isSuccess(parsed)) return parsed.success
    invalid.push(
      `The annotation ${key} is ${JSON.stringify(text)}, allowed is ${parsed.failure}: the worker's ${shown} is used.`
    )
    return fallback
  }
  const policy: RetryPolicy = {
    maxAttempts: read(annotation.attempts, base.maxAttempts, String(base.maxAttempts), attemptsFromText),
    codes: read(annotation.codes, base.codes, [...base.codes].join(","), codesFromText),
    initialWait: read(
      annotation.minWait,
      base.initialWait,
      GoDuration.format(base.initialWait),
      GoDuration.parse
    ),
    maxWait: read(annotation.maxWait, base.maxWait, GoDuration.format(base.maxWait), GoDuration.parse),
    backoff: base.backoff
  }
  return { policy, invalid }
}

// Annotations travel in every message but rarely differ between the messages of a function.
const rememberedOverrides = 1_000
const overrides = new WeakMap<RetryPolicy, Map<string, Overridden>>()

/**
 * The worker's policy with what the `com.openfaas.retry.*` annotations of a function change. The same base and
 * annotations give the same policy object; without any it is `base` itself.
 */
export const withAnnotations = (
  base: RetryPolicy,
  annotations: Readonly<Record<string, string>>
): Overridden => {
  const texts = Object.values(annotation).map((key) => annotations[key])
  if (texts.every((text) => text === undefined)) return { policy: base, invalid: [] }

  const known = overrides.get(base) ?? new Map<string, Overridden>()
  overrides.set(base, known)
  const key = JSON.stringify(texts)
  const found = known.get(key)
  if (found !== undefined) return found
  const made = override(base, annotations)
  if (known.size >= rememberedOverrides) known.clear()
  known.set(key, made)
  return made
}

const makeDelayTable = (policy: RetryPolicy): ((retry: number) => number | undefined) => {
  const schedule = Schedule.min([
    Schedule.exponential(Duration.millis(policy.initialWait)),
    Schedule.spaced(Duration.millis(policy.maxWait))
  ]).pipe(Schedule.upTo({ times: policy.maxAttempts }))
  const step = Effect.runSync(Schedule.toStep(schedule))
  const delays: Array<number> = []
  let now = 0
  let spent = false
  return (retry) => {
    while (delays.length < retry && !spent) {
      const delay = Effect.runSync(
        step(now, undefined).pipe(
          Effect.map(([, delay]) => Duration.toMillis(delay)),
          Pull.catchDone(() => Effect.undefined)
        )
      )
      if (delay === undefined) spent = true
      else {
        delays.push(delay)
        now += delay
      }
    }
    return delays[retry - 1]
  }
}

/** No call waits longer than this in all, milliseconds, whatever `Retry-After` its answers have. */
export const longestSpan = (policy: RetryPolicy): number =>
  policy.maxAttempts * Math.max(policy.maxWait, longestRetryAfter)

const delayTables = new WeakMap<RetryPolicy, (retry: number) => number | undefined>()

/**
 * The policy as a table: the wait in milliseconds before retry number `retry` (from 1), without jitter, or
 * `undefined` when there is no such retry. It is an Effect `Schedule` replayed against a made-up clock, because
 * a waiting call lives in the stream, not in a sleeping fiber.
 */
export const delayTable = (policy: RetryPolicy): ((retry: number) => number | undefined) => {
  const known = delayTables.get(policy)
  if (known !== undefined) return known
  const table = makeDelayTable(policy)
  delayTables.set(policy, table)
  return table
}

/** Spreads a delay (milliseconds); `random` is in [0, 1). */
const jitter = (backoff: Backoff, delay: number, random: number): number => {
  switch (backoff) {
    case "exponential":
      return delay
    case "full":
      return delay * random
    case "equal":
      return delay / 2 + (delay / 2) * random
  }
}

/**
 * The wait before retry number `retry` (from 1) in whole milliseconds, or `undefined` when no retry is left.
 * What the function asked for (`retryAfter`, milliseconds) replaces the delay of the table, at most an hour but
 * never less than the policy's first wait.
 */
export const nextDelay = (
  policy: RetryPolicy,
  retry: number,
  options: { readonly retryAfter: number | undefined; readonly random: number }
): number | undefined => {
  const delay = delayTable(policy)(retry)
  if (delay === undefined) return undefined
  // Whole, because the server refuses a delay with a fraction of a nanosecond.
  return Math.round(
    options.retryAfter === undefined
      ? jitter(policy.backoff, delay, options.random)
      : Math.max(policy.initialWait, Math.min(options.retryAfter, longestRetryAfter))
  )
}
