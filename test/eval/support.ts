import type { Call, Reply } from "../../eval/simulation/Call.ts"
import { cell } from "../../eval/simulation/Cell.ts"
import { type Contender, halfJitter } from "../../eval/simulation/Contender.ts"
import type { Timeline } from "../../eval/simulation/Timeline.ts"
import type { Backend } from "../../eval/simulation/Backend.ts"
import { fixed } from "../../src/domain/limiter/Fixed.ts"

/** A call with so many seconds of work. */
export const callOf = (work: number, id = 0): Call => ({
  id,
  work,
  failuresLeft: 0,
  failedAttempts: 0,
  firstSent: undefined
})

/** A contender with a fixed limit. */
export const fixedContender = (limit: number, changes: Partial<Contender> = {}): Contender => ({
  name: `fixed ${limit}`,
  title: `fixed ${limit}`,
  start: ({ now }) => cell(fixed(limit), now),
  rejected: "hold",
  backoff: halfJitter,
  hinted: false,
  gossips: false,
  ...changes
})

/** Offers calls at once and tells when each was answered, and how. */
export const offerAll = (
  timeline: Timeline,
  backend: Backend,
  calls: ReadonlyArray<Call>
): Array<{ readonly id: number; readonly at: number; readonly reply: Reply }> => {
  const answers: Array<{ readonly id: number; readonly at: number; readonly reply: Reply }> = []
  for (const call of calls) {
    backend.offer(call, (reply) => answers.push({ id: call.id, at: timeline.now, reply }))
  }
  return answers
}
