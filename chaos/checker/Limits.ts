import type { Attempt, Case } from "./Lives.ts"
import type { Violation } from "./Rules.ts"

/** Milliseconds that a function may need to see that its caller has gone and has sent another call instead. */
const SEEN_LATER = 300

/** No worker has more of a function's calls in flight than `sluice.limit`. */
export const aboveLimit = (given: Case): ReadonlyArray<Violation> => {
  const all = [...given.lives.values()].flatMap(({ attempts }) => attempts)
  return [...Map.groupBy(all, ({ fn, worker }) => `${fn} in ${worker}`)].flatMap(([where, attempts]) => {
    const limit = given.rules.functions.get(attempts[0]?.fn ?? "")?.limit ?? Number.POSITIVE_INFINITY
    const most = mostAtOnce(attempts)
    return most <= limit
      ? []
      : [{ rule: "limit", call: undefined, text: `${where}: ${most} attempts at once, ${limit} are allowed` }]
  })
}

const mostAtOnce = (attempts: ReadonlyArray<Attempt>): number => {
  const changes = attempts.flatMap(({ begin, end, outcome }) => {
    const over = outcome?._tag === "CallerGone" ? Math.max(begin, end - SEEN_LATER) : end
    return [
      { t: begin, by: 1 },
      { t: over, by: -1 }
    ]
  })
  // Of one moment, what ends goes first.
  changes.sort((a, b) => a.t - b.t || a.by - b.by)
  let now = 0
  let most = 0
  for (const { by } of changes) {
    now += by
    most = Math.max(most, now)
  }
  return most
}
