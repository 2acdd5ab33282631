import { describe, expect, it } from "vitest"
import { check } from "../../chaos/checker/Checker.ts"
import type { Event, Snapshot } from "../../chaos/history/Event.ts"
import {
  accepted,
  attempt,
  callback,
  dead,
  delivered,
  fault,
  history,
  look,
  refused,
  rules,
  settled
} from "./Story.ts"

const found = (events: ReadonlyArray<Event>) => check(events, rules)
const rulesBroken = (events: ReadonlyArray<Event>) => [...new Set(found(events).map(({ rule }) => rule))]

const end = (snapshot: Partial<Snapshot> = {}) => look(10_000, "end", snapshot)
const succeeded = history(accepted(0, "a"), attempt(10, 20, "a", 200))
const exhausted = history(accepted(0, "a"), attempt(10, 20, "a", 500), attempt(80, 90, "a", 500))

/** One call waits and one was handed over; the server counts the second one only. */
const countedTooFew = (before: ReadonlyArray<Event>) =>
  history(
    accepted(0, "b"),
    accepted(0, "c"),
    [delivered(5, "c")],
    before,
    look(50, "quiet", {
      queue: [
        { call: "b", fn: "fn" },
        { call: "c", fn: "fn" }
      ],
      consumers: [{ fn: "fn", waiting: 0, unsettled: 1 }]
    }),
    attempt(60, 70, "b", 200),
    attempt(60, 70, "c", 200),
    end()
  )

describe("nothing is wrong with", () => {
  it.each<[string, ReadonlyArray<Event>]>([
    ["a call that succeeds", history(succeeded, end())],
    [
      "a call that succeeds after a failure",
      history(accepted(0, "a"), attempt(1, 2, "a", 500), attempt(60, 70, "a", 200), end())
    ],
    [
      "a call with its callback",
      history(accepted(0, "a", true), attempt(10, 20, "a", 200), callback(30, "a"), end())
    ],
    ["a call that used all its attempts", history(exhausted, end({ dead: [dead("a", "exhausted", 2)] }))],
    ["a final answer that is no success", history(accepted(0, "a"), attempt(10, 20, "a", 404), end())],
    ["a call that nobody was promised and that is nowhere", history(refused(0, "a", "unknown"), end())],
    [
      "a call that nobody was promised and that ran",
      history(refused(0, "a", "unknown"), attempt(10, 20, "a", 200), end())
    ],
    ["a call that was refused", history(refused(0, "a", "no"), end())],
    [
      "a call that ran again because its worker was killed",
      history(
        succeeded,
        fault(19, 500, "worker-killed", "w1"),
        attempt(4_020, 4_030, "a", 200, "w2.1"),
        end()
      )
    ],
    [
      "a callback that came again because its worker was killed",
      history(
        accepted(0, "a", true),
        attempt(10, 20, "a", 200),
        callback(30, "a"),
        fault(31, 500, "worker-killed", "w1"),
        attempt(4_020, 4_030, "a", 200, "w2.1"),
        callback(4_040, "a"),
        end()
      )
    ],
    [
      "a call that three workers died of",
      history(
        accepted(0, "a"),
        [1, 2, 3].flatMap((n) =>
          history(
            [delivered(n * 100 - 5, "a", `w${n}.1`)],
            attempt(n * 100, n * 100 + 10, "a", { _tag: "CallerGone" }, `w${n}.1`),
            fault(n * 100 + 5, n * 100 + 50, "worker-killed", `w${n}`)
          )
        ),
        end({ dead: [dead("a", "unfinished", 0)] })
      )
    ],
    [
      "calls that are where the law says at a quiet moment",
      history(
        succeeded,
        accepted(0, "b"),
        accepted(0, "c"),
        look(50, "quiet", {
          queue: [
            { call: "b", fn: "fn" },
            { call: "c", fn: "fn" }
          ],
          consumers: [{ fn: "fn", waiting: 1, unsettled: 1 }],
          running: 1
        }),
        attempt(60, 70, "b", 200),
        attempt(60, 70, "c", 200),
        end()
      )
    ],
    [
      "a call that two workers died of, after and before its function heard of it",
      history(
        accepted(0, "a"),
        [delivered(5, "a", "w1.1")],
        fault(8, 50, "worker-killed", "w1"),
        [delivered(100, "a", "w2.1")],
        attempt(110, 120, "a", 500, "w2.1"),
        fault(121, 200, "worker-killed", "w2"),
        end({ dead: [dead("a", "unfinished", 1)] })
      )
    ],
    [
      "a server that was stopped and counts too few waiting calls",
      countedTooFew(fault(10, 20, "server-stopped", "nats"))
    ],
    [
      "a killed server that counts a settled call once more",
      history(
        succeeded,
        fault(21, 40, "server-killed", "nats"),
        look(50, "quiet", { consumers: [{ fn: "fn", waiting: 0, unsettled: 1 }] }),
        end()
      )
    ],
    [
      "a call whose worker was killed when its result was stored",
      history(
        accepted(0, "a", true),
        attempt(10, 20, "a", 200),
        fault(21, 40, "worker-killed-callback-confirmed", "w1"),
        look(50, "quiet", {
          queue: [{ call: "a", fn: "fn" }],
          consumers: [{ fn: "fn", waiting: 0, unsettled: 1 }],
          callbacks: ["a"]
        }),
        attempt(60, 70, "a", 200, "w2.1"),
        callback(80, "a"),
        end()
      )
    ],
    [
      "an attempt more than allowed, when a worker was killed before it could settle the last one",
      history(
        accepted(0, "a"),
        attempt(10, 20, "a", 500),
        delivered(50, "a"),
        attempt(80, 90, "a", 500),
        fault(900, 1_500, "worker-killed-dead-confirmed", "w1"),
        attempt(4_060, 4_070, "a", 500, "w2.1"),
        end({ dead: [dead("a", "exhausted", 2)] })
      )
    ],
    [
      "a call that the wire repeated to one worker and that others ran at the same time",
      history(
        accepted(0, "a"),
        fault(5, 5, "delivery-repeated", "w3", "a"),
        attempt(10, 200, "a", 200),
        attempt(20, 30, "a", 200, "w2.1"),
        end()
      )
    ],
    [
      "a call that a killed server delivered twice to a worker that waited with it in hand",
      history(
        accepted(0, "a"),
        delivered(10, "a"),
        fault(20, 40, "server-killed", "nats"),
        delivered(2_000, "a"),
        attempt(2_010, 2_020, "a", 200),
        attempt(2_030, 2_040, "a", 200),
        end()
      )
    ],
    [
      "as many attempts at once as are allowed, in each worker",
      history(
        ["a", "b", "c", "d"].flatMap((call, n) =>
          history(accepted(0, call), attempt(10, 100, call, 200, n < 2 ? "w1.1" : "w2.1"))
        ),
        end()
      )
    ]
  ])("%s", (_, events) => {
    expect(found(events)).toEqual([])
  })
})

describe("is found:", () => {
  it.each<[string, string, ReadonlyArray<Event>]>([
    ["an accepted call that is nowhere", "lost", history(accepted(0, "a"), end())],
    [
      "an accepted call whose only attempt failed and that is nowhere",
      "lost",
      history(accepted(0, "a"), attempt(10, 20, "a", 500), end())
    ],
    [
      "a call that was stored, unpromised, and vanished",
      "lost",
      history(refused(0, "a", "unknown"), attempt(10, 20, "a", 500), end())
    ],
    ["a callback that is nowhere", "lost", history(accepted(0, "a", true), attempt(10, 20, "a", 200), end())],
    [
      "a dead letter's callback that is nowhere",
      "lost",
      history(
        accepted(0, "a", true),
        attempt(10, 20, "a", 500),
        attempt(80, 90, "a", 500),
        end({ dead: [dead("a", "exhausted", 2)] })
      )
    ],
    [
      "a call that ran though it was refused",
      "lost",
      history(refused(0, "a", "no"), attempt(10, 20, "a", 200), end())
    ],
    [
      "a call that never settles",
      "settled",
      history(
        accepted(0, "a"),
        end({ queue: [{ call: "a", fn: "fn" }], consumers: [{ fn: "fn", waiting: 1, unsettled: 0 }] })
      )
    ],
    [
      "a callback that never settles",
      "settled",
      history(accepted(0, "a", true), attempt(10, 20, "a", 200), end({ callbacks: ["a"] }))
    ],
    ["a history without a last look", "settled", succeeded],
    [
      "a dead letter with attempts left",
      "wrongly dead",
      history(accepted(0, "a"), attempt(10, 20, "a", 500), end({ dead: [dead("a", "exhausted", 2)] }))
    ],
    [
      "a dead letter that counts wrongly",
      "wrongly dead",
      history(exhausted, end({ dead: [dead("a", "exhausted", 3)] }))
    ],
    [
      "a dead letter for no reason of its function",
      "wrongly dead",
      history(accepted(0, "a"), end({ dead: [dead("a", "expired", 0)] }))
    ],
    [
      "a callback that was given up",
      "wrongly dead",
      history(
        accepted(0, "a", true),
        attempt(10, 20, "a", 200),
        end({ dead: [dead("a", "callback-undeliverable", 1)] })
      )
    ],
    [
      "a dead letter for crashes that were not",
      "wrongly dead",
      history(
        accepted(0, "a"),
        [delivered(5, "a")],
        attempt(10, 20, "a", { _tag: "CallerGone" }),
        fault(15, 500, "worker-killed", "w1"),
        end({ dead: [dead("a", "unfinished", 0)] })
      )
    ],
    [
      "two dead letters of a call",
      "dead twice",
      history(exhausted, end({ dead: [dead("a", "exhausted", 2), dead("a", "exhausted", 2)] }))
    ],
    [
      "an attempt too many",
      "too many attempts",
      history(exhausted, attempt(200, 210, "a", 500), end({ dead: [dead("a", "exhausted", 2)] }))
    ],
    [
      "a call that ran again after its success",
      "ran again",
      history(succeeded, attempt(4_020, 4_030, "a", 200), end())
    ],
    [
      "a call that ran again after its dead letter",
      "ran again",
      history(exhausted, attempt(2_000, 2_010, "a", 404), end({ dead: [dead("a", "exhausted", 2)] }))
    ],
    [
      "a call that ran twice at once",
      "ran again",
      history(accepted(0, "a"), attempt(10, 900, "a", 500), attempt(400, 950, "a", 200, "w2.1"), end())
    ],
    [
      "a repetition by the death of another worker",
      "ran again",
      history(
        succeeded,
        fault(15, 500, "worker-killed", "w3"),
        attempt(4_020, 4_030, "a", 200, "w2.1"),
        end()
      )
    ],
    [
      "a repetition by a death long before",
      "ran again",
      history(
        fault(0, 1, "worker-killed", "w1"),
        accepted(2_000, "a"),
        attempt(2_010, 2_020, "a", 200, "w1.2"),
        attempt(6_020, 6_030, "a", 200, "w2.1"),
        end()
      )
    ],
    [
      "a repetition by a restart in order",
      "ran again",
      history(
        succeeded,
        fault(15, 500, "workers-restarted", "w1"),
        attempt(600, 610, "a", 200, "w1.2"),
        end()
      )
    ],
    [
      "a repetition by what happened to another call's delivery",
      "ran again",
      history(succeeded, fault(5, 6, "delivery-repeated", "w1", "b"), attempt(30, 40, "a", 200), end())
    ],
    [
      "a callback that came twice",
      "reported again",
      history(accepted(0, "a", true), attempt(10, 20, "a", 200), callback(30, "a"), callback(40, "a"), end())
    ],
    [
      "a callback that says something else",
      "callback",
      history(accepted(0, "a", true), attempt(10, 20, "a", 200), callback(30, "a", 500), end())
    ],
    [
      "more attempts at once than allowed",
      "limit",
      history(
        ["a", "b", "c"].flatMap((call) => history(accepted(0, call), attempt(10, 100, call, 200))),
        end()
      )
    ],
    [
      "a call that is nowhere at a quiet moment",
      "conservation",
      history(accepted(0, "a"), look(50, "quiet"), attempt(60, 70, "a", 200), end())
    ],
    [
      "a finished call that is still stored at a quiet moment",
      "conservation",
      history(
        succeeded,
        look(50, "quiet", {
          queue: [{ call: "a", fn: "fn" }],
          consumers: [{ fn: "fn", waiting: 0, unsettled: 1 }]
        }),
        end()
      )
    ],
    [
      "an attempt more than allowed, when the last one was settled before the fault",
      "too many attempts",
      history(
        accepted(0, "a"),
        attempt(10, 20, "a", 500),
        delivered(50, "a"),
        attempt(80, 90, "a", 500),
        settled(100),
        fault(900, 1_500, "worker-killed", "w1"),
        attempt(4_060, 4_070, "a", 500, "w2.1"),
        end({ dead: [dead("a", "exhausted", 2)] })
      )
    ],
    [
      "a call that ran again in a worker that got it after the fault",
      "ran again",
      history(
        accepted(0, "a"),
        fault(20, 40, "server-killed", "nats"),
        delivered(2_000, "a"),
        attempt(2_010, 2_020, "a", 200),
        attempt(2_030, 2_040, "a", 200),
        end()
      )
    ],
    [
      "a call in the stream of calls and in that of callbacks, without a fault",
      "conservation",
      history(
        accepted(0, "a", true),
        attempt(10, 20, "a", 200),
        look(50, "quiet", {
          queue: [{ call: "a", fn: "fn" }],
          consumers: [{ fn: "fn", waiting: 0, unsettled: 1 }],
          callbacks: ["a"]
        }),
        callback(80, "a"),
        end()
      )
    ],
    [
      "a call that is stored twice",
      "conservation",
      history(
        accepted(0, "a"),
        look(50, "quiet", {
          queue: [
            { call: "a", fn: "fn" },
            { call: "a", fn: "fn" }
          ],
          consumers: [{ fn: "fn", waiting: 2, unsettled: 0 }]
        }),
        attempt(60, 70, "a", 200),
        end()
      )
    ],
    [
      "a server that counts too few waiting calls, and nothing happened to it",
      "conservation",
      countedTooFew([])
    ],
    [
      "consumers that count what is not there",
      "conservation",
      history(
        accepted(0, "a"),
        [delivered(5, "a")],
        look(50, "quiet", {
          queue: [{ call: "a", fn: "fn" }],
          consumers: [{ fn: "fn", waiting: 0, unsettled: 0 }]
        }),
        attempt(60, 70, "a", 200),
        end()
      )
    ],
    [
      "consumers that count what has left the stream",
      "conservation",
      history(succeeded, look(50, "quiet", { consumers: [{ fn: "fn", waiting: 0, unsettled: 1 }] }), end())
    ],
    [
      "consumers of a killed server that count less than the stream holds",
      "conservation",
      history(
        accepted(0, "a"),
        [delivered(5, "a")],
        fault(21, 40, "server-killed", "nats"),
        look(50, "quiet", {
          queue: [{ call: "a", fn: "fn" }],
          consumers: [{ fn: "fn", waiting: 0, unsettled: 0 }]
        }),
        attempt(60, 70, "a", 200),
        end()
      )
    ],
    [
      "calls that run and were not handed over",
      "conservation",
      history(
        accepted(0, "a"),
        look(50, "quiet", {
          queue: [{ call: "a", fn: "fn" }],
          consumers: [{ fn: "fn", waiting: 1, unsettled: 0 }],
          running: 1
        }),
        attempt(60, 70, "a", 200),
        end()
      )
    ]
  ])("%s", (_, rule, events) => {
    expect(rulesBroken(events)).toContain(rule)
  })

  it("only what is wrong, and the call it is about", () => {
    const events = history(
      succeeded,
      accepted(0, "b"),
      attempt(30, 40, "b", 200),
      attempt(50, 60, "b", 200),
      end()
    )
    expect(found(events)).toMatchObject([{ rule: "ran again", call: "b" }])
  })
})

describe("what counts as an attempt", () => {
  const rejected = history(
    accepted(0, "a"),
    attempt(10, 20, "a", 429),
    attempt(30, 40, "a", 429),
    attempt(50, 60, "a", 429),
    attempt(70, 80, "a", 200),
    end()
  )

  it("a rejection is one when rejected calls are retried, and none when they are held", () => {
    expect(rulesBroken(rejected)).toEqual(["too many attempts"])
    expect(check(rejected, { ...rules, holdsRejected: true })).toEqual([])
  })

  it("an attempt that its caller broke off is one when it had waited as long as it may", () => {
    expect(found(brokenOff(2_000))).toEqual([])
    expect(rulesBroken(brokenOff(500))).toEqual(["wrongly dead"])
  })
})

const brokenOff = (millis: number) =>
  history(
    accepted(0, "a"),
    attempt(0, millis, "a", { _tag: "CallerGone" }),
    attempt(3_000, 3_010, "a", 500),
    end({ dead: [dead("a", "exhausted", 2, 3_020)] })
  )
