import type { Event } from "../history/Event.ts"
import { unconserved } from "./Conservation.ts"
import { tooManyAttempts, wronglyDead, wrongCallbacks } from "./Dead.ts"
import { aboveLimit } from "./Limits.ts"
import { read } from "./Lives.ts"
import { lost, unsettled } from "./Lost.ts"
import { unexcused } from "./Repeated.ts"
import type { Rules, Violation } from "./Rules.ts"

/** Everything in a history that must never be; pure. */
export const check = (events: ReadonlyArray<Event>, rules: Rules): ReadonlyArray<Violation> => {
  const given = read(events, rules)
  return [
    ...lost(given),
    ...unsettled(given),
    ...wronglyDead(given),
    ...tooManyAttempts(given),
    ...unexcused(given),
    ...wrongCallbacks(given),
    ...aboveLimit(given),
    ...unconserved(events, rules)
  ]
}
