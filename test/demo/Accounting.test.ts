import { expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { describe } from "vitest"
import { account, type History } from "../../src/demo/Accounting.ts"

/** A call that ends as it should: as success after some retries, or as dead letter. */
const ended = fc.record({ dies: fc.boolean(), retries: fc.nat(3) })

const historyOf = (calls: ReadonlyArray<{ readonly dies: boolean; readonly retries: number }>): History => {
  const named = calls.map((call, index) => ({ ...call, call: `call-${index}` }))
  return {
    posts: named.map(({ call }) => ({ call, status: 202 })),
    attempts: named.flatMap(({ call, retries }) => Array.from({ length: retries + 1 }, () => ({ call }))),
    callbacks: named.map(({ call, dies, retries }) => ({ call, retries, status: dies ? 500 : 200 })),
    deadLetters: named.flatMap(({ call, dies }) => (dies ? [{ callId: call, reason: "exhausted" }] : [])),
    waiting: 0,
    limited: [{ fn: "slow", limit: 4, mostAtOnce: 4 }]
  }
}

it("a run in which every call ends once has no problems, and each call has its fate", () => {
  fc.assert(
    fc.property(fc.array(ended), (calls) => {
      const { fates, problems } = account(historyOf(calls))
      expect(problems).toEqual([])
      expect([...fates.values()]).toEqual(calls.map(({ dies }) => (dies ? "dead-lettered" : "succeeded")))
    })
  )
})

const good = { dies: false, retries: 1 }
const dead = { dies: true, retries: 2 }
const history = historyOf([good, dead])
const letter = { callId: "call-0", reason: "exhausted" }
const without = <A>(list: ReadonlyArray<A>, index: number) => list.toSpliced(index, 1)
const twice = <A>(list: ReadonlyArray<A>, index: number) => [...list, ...list.slice(index, index + 1)]

/** What went wrong, the history in which it did, what has to be said of it, and which calls stay accounted for. */
const wrong: ReadonlyArray<readonly [string, Partial<History>, string, ReadonlyArray<string>]> = [
  [
    "a call is lost",
    { callbacks: without(history.callbacks, 0) },
    "call-0 was accepted and is lost",
    ["call-1"]
  ],
  [
    "a callback comes twice",
    { callbacks: twice(history.callbacks, 0) },
    "call-0 came back 2 times",
    ["call-1"]
  ],
  [
    "a call succeeds and is a dead letter",
    { deadLetters: [...history.deadLetters, letter] },
    "call-0 succeeded and is a dead letter too",
    ["call-1"]
  ],
  [
    "a dead letter is stored twice",
    { deadLetters: twice(history.deadLetters, 0) },
    "call-1 is a dead letter 2 times",
    ["call-0"]
  ],
  [
    "a dead letter has no callback",
    { callbacks: without(history.callbacks, 1) },
    "call-1 is a dead letter and has no callback",
    ["call-0"]
  ],
  [
    "a call fails for good and nobody keeps it",
    { deadLetters: [] },
    "call-1 failed with 500 and is no dead letter",
    ["call-0"]
  ],
  [
    "a callback comes for a call that nobody posted",
    { callbacks: [...history.callbacks, { call: "stranger", status: 200, retries: 0 }] },
    "stranger came back and nobody posted it",
    ["call-0", "call-1"]
  ],
  [
    "a dead letter is of a call that nobody posted",
    { deadLetters: [...history.deadLetters, { callId: "stranger", reason: "exhausted" }] },
    "stranger is a dead letter and nobody posted it",
    ["call-0", "call-1"]
  ],
  [
    "a dead letter has no call id",
    { deadLetters: [...history.deadLetters, { callId: undefined, reason: "undecodable" }] },
    "(a call without an id) is a dead letter and nobody posted it",
    ["call-0", "call-1"]
  ],
  [
    "a function runs a call that nobody posted",
    { attempts: [...history.attempts, { call: "stranger" }] },
    "stranger was run and nobody posted it",
    ["call-0", "call-1"]
  ],
  [
    "a function runs a call once more than its callback says",
    { attempts: twice(history.attempts, 0) },
    "call-0 was run 3 times, its callback says 2",
    ["call-1"]
  ],
  [
    "a callback comes for a call that no function has run",
    { attempts: history.attempts.filter(({ call }) => call !== "call-0") },
    "call-0 was run 0 times, its callback says 2",
    ["call-1"]
  ],
  [
    "the gateway refuses a call",
    { posts: [...history.posts, { call: "call-2", status: 503 }] },
    "call-2 was not accepted: HTTP 503",
    ["call-0", "call-1"]
  ],
  [
    "the gateway does not answer",
    { posts: [...history.posts, { call: "call-2", status: 0 }] },
    "call-2 was not accepted: the gateway gave no answer",
    ["call-0", "call-1"]
  ],
  ["calls stay in the queue", { waiting: 3 }, "3 calls are still in the queue", ["call-0", "call-1"]],
  [
    "a function gets more calls at once than its limit",
    { limited: [{ fn: "slow", limit: 4, mostAtOnce: 5 }] },
    "slow had 5 calls at once, its limit is 4",
    ["call-0", "call-1"]
  ]
]

describe("the sums do not agree when", () => {
  it.each(wrong)("%s", (_, change, problem, accountedFor) => {
    const { fates, problems } = account({ ...history, ...change })
    expect(problems).toEqual([problem])
    expect([...fates.keys()]).toEqual(accountedFor)
  })

  it("any one thing that was seen is left out or seen twice", () => {
    const seen = fc.constantFrom("attempts", "callbacks", "deadLetters")
    fc.assert(
      fc.property(
        fc.array(ended, { minLength: 1 }),
        seen,
        fc.nat(),
        fc.boolean(),
        (calls, list, at, doubled) => {
          const whole = historyOf(calls)
          const entries: ReadonlyArray<unknown> = whole[list]
          fc.pre(entries.length > 0)
          const index = at % entries.length
          const changed = doubled ? twice(entries, index) : without(entries, index)
          expect(account({ ...whole, [list]: changed }).problems).toHaveLength(1)
        }
      )
    )
  })
})
