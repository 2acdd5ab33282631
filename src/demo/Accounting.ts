/** What became of an accepted call. */
export type Fate = "succeeded" | "dead-lettered"

/** What was seen of a run, as far as it tells whether every accepted call is accounted for exactly once. */
export interface History {
  readonly posts: ReadonlyArray<{ readonly call: string; readonly status: number }>
  /** Each request a function got. */
  readonly attempts: ReadonlyArray<{ readonly call: string }>
  readonly callbacks: ReadonlyArray<{
    readonly call: string
    readonly status: number
    readonly retries: number
  }>
  readonly deadLetters: ReadonlyArray<{ readonly callId: string | undefined; readonly reason: string }>
  /** Calls that are still in the queue. */
  readonly waiting: number
  /** For each function with a limit of its own: that, and the most calls it ever had at once. */
  readonly limited: ReadonlyArray<{
    readonly fn: string
    readonly limit: number
    readonly mostAtOnce: number
  }>
}

export interface Account {
  /** By call; only those that are accounted for. */
  readonly fates: ReadonlyMap<string, Fate>
  /** A sentence each; none when the sums agree. */
  readonly problems: ReadonlyArray<string>
}

/** Holds what came out against what was accepted, call by call. */
export const account = (history: History): Account => {
  const callbacks = Map.groupBy(history.callbacks, ({ call }) => call)
  const deadLetters = Map.groupBy(history.deadLetters, ({ callId }) => callId ?? "(a call without an id)")
  const attempts = Map.groupBy(history.attempts, ({ call }) => call)
  const posted = new Set(history.posts.map(({ call }) => call))

  const fates = new Map<string, Fate>()
  const problems: Array<string> = []
  for (const { call, status } of history.posts) {
    if (status !== 202) {
      problems.push(
        `${call} was not accepted: ${status === 0 ? "the gateway gave no answer" : `HTTP ${status}`}`
      )
      continue
    }
    const fate = fateOf(
      callbacks.get(call) ?? [],
      deadLetters.get(call) ?? [],
      attempts.get(call)?.length ?? 0
    )
    if (typeof fate === "string") fates.set(call, fate)
    else problems.push(`${call} ${fate.problem}`)
  }
  for (const [what, calls] of [
    ["came back", callbacks],
    ["is a dead letter", deadLetters],
    ["was run", attempts]
  ] as const) {
    for (const call of calls.keys())
      if (!posted.has(call)) problems.push(`${call} ${what} and nobody posted it`)
  }
  if (history.waiting > 0) problems.push(`${history.waiting} calls are still in the queue`)
  for (const { fn, limit, mostAtOnce } of history.limited) {
    if (mostAtOnce > limit) problems.push(`${fn} had ${mostAtOnce} calls at once, its limit is ${limit}`)
  }
  return { fates, problems }
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** What became of one accepted call, or what is wrong with it. */
const fateOf = (
  callbacks: History["callbacks"],
  deadLetters: History["deadLetters"],
  attempts: number
): Fate | { readonly problem: string } => {
  const [callback] = callbacks
  if (callback === undefined) {
    return {
      problem: deadLetters.length > 0 ? "is a dead letter and has no callback" : "was accepted and is lost"
    }
  }
  if (callbacks.length > 1) return { problem: `came back ${callbacks.length} times` }
  if (deadLetters.length > 1) return { problem: `is a dead letter ${deadLetters.length} times` }
  if (attempts !== callback.retries + 1) {
    return { problem: `was run ${attempts} times, its callback says ${callback.retries + 1}` }
  }
  const dead = deadLetters.length > 0
  if (isSuccess(callback.status))
    return dead ? { problem: "succeeded and is a dead letter too" } : "succeeded"
  return dead ? "dead-lettered" : { problem: `failed with ${callback.status} and is no dead letter` }
}
