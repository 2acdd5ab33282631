import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Answer } from "../../src/domain/Outcome.ts"
import type { RetryPolicy } from "../../src/domain/RetryPolicy.ts"
import * as Verdict from "../../src/domain/Verdict.ts"

const policy: RetryPolicy = {
  maxAttempts: 2,
  initialWait: 1000,
  maxWait: 60_000,
  codes: new Set([500]),
  backoff: "exponential"
}

const failure: Answer = { _tag: "Reply", status: 500, internal: false, retryAfter: undefined }

const greedy = { holdRejected: false, tooOld: false }
const adaptive = { holdRejected: true, tooOld: false }

const decide = (answer: Answer, attempt: number, rules = greedy) =>
  Verdict.decide(answer, attempt, policy, 0, rules)

describe("Verdict", () => {
  it("holds a call that its function had no room for, whatever the attempts, if told to", () => {
    const full: Answer = { _tag: "Reply", status: 429, internal: false, retryAfter: undefined }
    expect([1, 9].map((attempt) => decide(full, attempt, adaptive))).toEqual([
      { _tag: "Hold" },
      { _tag: "Hold" }
    ])
    expect(decide(failure, 1, adaptive)).toEqual({ _tag: "Retry", delayMillis: 1000 })
    expect(decide({ ...full, status: 200 }, 1, adaptive)).toEqual({ _tag: "Done" })
  })

  it("does not try a call again that is too old, but finishes it when it can", () => {
    const tooOld = { holdRejected: true, tooOld: true }
    const expired = { _tag: "Dead", reason: "expired" }
    expect(decide(failure, 1, tooOld)).toEqual(expired)
    expect(decide({ ...failure, status: 429 }, 1, tooOld)).toEqual(expired)
    expect(decide({ ...failure, status: 404 }, 1, tooOld)).toEqual({ _tag: "Done" })
  })

  it("retries after each failed attempt while retries are left, then gives up", () => {
    const verdicts = [1, 2, 3, 4].map((attempt) => decide(failure, attempt))
    expect(verdicts).toEqual([
      { _tag: "Retry", delayMillis: 1000 },
      { _tag: "Retry", delayMillis: 2000 },
      { _tag: "Dead", reason: "exhausted" },
      { _tag: "Dead", reason: "exhausted" }
    ])
  })

  it.each([200, 404])("is done after %d, on the last attempt too", (status) => {
    const answer: Answer = { ...failure, status }
    expect(decide(answer, 1)).toEqual({ _tag: "Done" })
    expect(decide(answer, 3)).toEqual({ _tag: "Done" })
  })

  it("waits what the function asked for", () => {
    const answer: Answer = { _tag: "Reply", status: 429, internal: false, retryAfter: 5000 }
    expect(decide(answer, 1)).toEqual({ _tag: "Retry", delayMillis: 5000 })
  })

  it("retries a call that got no answer", () => {
    const retry = { _tag: "Retry", delayMillis: 1000 }
    expect(decide({ _tag: "Timeout", afterMillis: 1 }, 1)).toEqual(retry)
    expect(decide({ _tag: "Unreachable", detail: "" }, 1)).toEqual(retry)
  })

  it("tries a call that always fails exactly once more than it may retry", () => {
    const failures = fc.constantFrom<Answer>(
      failure,
      { _tag: "Reply", status: 429, internal: true, retryAfter: 0 },
      { _tag: "Timeout", afterMillis: 1 },
      { _tag: "Unreachable", detail: "" },
      { _tag: "BrokenReply", status: 200, detail: "" }
    )
    fc.assert(
      fc.property(
        fc.nat(60),
        fc.infiniteStream(failures),
        fc.nat(2000),
        (maxAttempts, answers, initialWait) => {
          const own = { ...policy, maxAttempts, initialWait }
          let attempts = 0
          for (const answer of answers) {
            attempts++
            if (Verdict.decide(answer, attempts, own, 0.5, greedy)._tag !== "Retry") break
          }
          expect(attempts).toBe(1 + maxAttempts)
        }
      )
    )
  })
})
