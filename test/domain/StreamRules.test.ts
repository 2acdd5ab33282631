import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as StreamRules from "../../src/domain/StreamRules.ts"

const ours = StreamRules.queueStream("jobs", { storage: "file", replicas: 1 })

/** What would lose accepted calls, and the part of the message that names it. */
const losses: ReadonlyArray<readonly [string, Partial<StreamRules.StreamSettings>, RegExp]> = [
  ["the retention", { retention: "limits" }, /^retention is "limits", must be "workqueue"/],
  ["subjects that miss ours", { subjects: ["jobs"] }, /^subjects are \[jobs\], must contain \[jobs\.>\]$/],
  ["an age limit", { max_age: 90e9 }, /^max_age is 90s, must be unlimited/],
  ["publishes without an answer", { no_ack: true }, /^no_ack is on, must be off/],
  [
    "discard old with limits",
    { discard: "old", max_msgs: 10, max_bytes: 1000 },
    /^discard is "old" with max_msgs and max_bytes set, must be "new"/
  ],
  [
    "a limit for each subject that drops the oldest",
    { max_msgs_per_subject: 5 },
    /^max_msgs_per_subject is 5 without discard_new_per_subject/
  ]
]

const harmless: ReadonlyArray<readonly [string, Partial<StreamRules.StreamSettings>, RegExp]> = [
  ["discard old without limits", { discard: "old" }, /^discard is "old", ours is "new"$/],
  ["another storage", { storage: "memory" }, /^storage is memory, the settings say file$/],
  ["other replicas", { num_replicas: 3 }, /^num_replicas is 3, the settings say 1$/],
  ["a limit that refuses what is too much", { max_msgs: 10 }, /^max_msgs is 10, ours is unlimited/],
  [
    "a limit for each subject that refuses what is too much",
    { max_msgs_per_subject: 5, discard_new_per_subject: true },
    /^max_msgs_per_subject is 5, ours is unlimited/
  ],
  [
    "message ids that are forgotten too soon",
    { duplicate_window: 19e9 },
    /^duplicate_window is 19s, should be 20s or more/
  ]
]

describe("the stream of callbacks", () => {
  const callbacks = StreamRules.callbacksStream("jobs", {
    storage: "file",
    replicas: 3,
    limits: { maxMessages: 0, maxBytes: 1000 },
    duplicateWindowMillis: 120_000
  })

  it("loses nothing, takes callbacks only, and has its limit", () => {
    expect(callbacks).toMatchObject({
      name: "OF_jobs_callbacks",
      subjects: ["jobs_callbacks.>"],
      retention: "workqueue",
      discard: "new",
      max_age: 0,
      max_bytes: 1000,
      num_replicas: 3,
      duplicate_window: 120e9
    })
  })

  it("is worth a warning when it forgets message ids before a result may be stored again", () => {
    const existing = { ...callbacks, duplicate_window: 119e9 }
    expect(StreamRules.check(existing, callbacks).warnings).toEqual([
      expect.stringMatching(/^duplicate_window is 119s, should be 120s or more/)
    ])
  })

  it.each([{ max_bytes: 500 }, { max_bytes: -1 }])("gets its limit when it has another: %o", (difference) => {
    const existing = { ...callbacks, ...difference }
    expect(StreamRules.check(existing, callbacks)).toEqual({ fatal: [], warnings: [] })
    expect(StreamRules.limitChanges(existing, callbacks)).toEqual({ max_bytes: 1000 })
  })
})

describe("an existing stream", () => {
  it("is fine when it is what we would make", () => {
    expect(StreamRules.check(ours, ours)).toEqual({ fatal: [], warnings: [] })
  })

  it("may remember message ids for as long as the server does by itself, or for twice as long as a bare call waits", () => {
    for (const duplicate_window of [20e9, 120e9]) {
      expect(StreamRules.check({ ...ours, duplicate_window }, ours)).toEqual({ fatal: [], warnings: [] })
    }
  })

  it("may have more subjects, and limits that are spelled as zero", () => {
    const existing = { ...ours, subjects: ["other", ...ours.subjects], max_msgs: 0, max_bytes: 0 }
    expect(StreamRules.check(existing, ours)).toEqual({ fatal: [], warnings: [] })
  })

  it.each(losses)("stops the program because of %s", (_, difference, message) => {
    expect(StreamRules.check({ ...ours, ...difference }, ours)).toEqual({
      fatal: [expect.stringMatching(message)],
      warnings: []
    })
  })

  it.each(harmless)("is worth a warning because of %s", (_, difference, message) => {
    expect(StreamRules.check({ ...ours, ...difference }, ours)).toEqual({
      fatal: [],
      warnings: [expect.stringMatching(message)]
    })
  })

  it("is complained about for everything that is wrong with it, in one go", () => {
    const kinds = losses.filter(([, difference]) => difference.max_msgs_per_subject === undefined)
    fc.assert(
      fc.property(fc.subarray(kinds), fc.boolean(), (chosen, inMemory) => {
        const existing = { ...ours, storage: inMemory ? "memory" : "file" }
        Object.assign(existing, ...chosen.map(([, difference]) => difference))
        const { fatal, warnings } = StreamRules.check(existing, ours)
        expect(fatal).toHaveLength(chosen.length)
        for (const [, , message] of chosen) expect(fatal).toContainEqual(expect.stringMatching(message))
        expect(warnings).toHaveLength(inMemory ? 1 : 0)
      })
    )
  })
})

describe("limits in the settings", () => {
  const limits = { maxMessages: 10, maxBytes: 0 }
  const wanted = StreamRules.queueStream("jobs", { storage: "file", replicas: 1, limits })

  it("are given to a stream that has others, and only those that are set", () => {
    expect(StreamRules.limitChanges({ ...ours, max_bytes: 500 }, wanted)).toEqual({ max_msgs: 10 })
    expect(StreamRules.limitChanges(wanted, wanted)).toEqual({})
    expect(StreamRules.limitChanges({ ...ours, max_msgs: 7 }, ours)).toEqual({})
  })

  it("are no reason to warn", () => {
    expect(StreamRules.check(wanted, wanted)).toEqual({ fatal: [], warnings: [] })
  })
})
