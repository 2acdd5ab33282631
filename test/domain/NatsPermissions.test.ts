import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as NatsPermissions from "../../src/domain/NatsPermissions.ts"

it("README names every permission", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
  const all = [...NatsPermissions.published("<queue>"), ...NatsPermissions.subscribed]
  expect(all.filter((subject) => !readme.includes(`\`${subject}\``))).toEqual([])
})

it("no permission has a wildcard inside a token, which NATS takes for a letter", () => {
  const tokens = [...NatsPermissions.published("q"), ...NatsPermissions.subscribed].flatMap((subject) =>
    subject.split(".")
  )
  expect(tokens.filter((token) => /[*>]/.test(token) && token.length > 1)).toEqual([])
})

it.each([
  ["$JS.ACK.OF_q.f=ns=1.1.2.3.4.5", "$JS.ACK.OF_q.>"],
  ["$JS.API.CONSUMER.MSG.NEXT.OF_q.f=ns=1", "$JS.API.CONSUMER.MSG.NEXT.OF_q.>"],
  ["$JS.API.STREAM.INFO.OF_q", "$JS.API.STREAM.INFO.OF_q"],
  ["$JS.API.INFO", "$JS.API.INFO"],
  ["$KV.OF_q_attempts.1.q.f.ns.7", "$KV.OF_q_attempts.>"],
  ["$O.OF_q_results.C.1", "$O.OF_q_results.>"],
  ["q.f.ns", "q.>"],
  ["sluice.wake.q", "sluice.wake.>"],
  ["_INBOX.x.*", "_INBOX.>"]
])("%s is one of %s", (subject, pattern) => {
  expect(NatsPermissions.pattern(subject)).toBe(pattern)
})

describe("for the queue q", () => {
  it.each([
    ["$JS.API.STREAM.INFO.OF_other", true],
    ["$JS.API.STREAM.INFO.OF_q_other", true],
    ["other.f.ns", true],
    ["$JS.API.STREAM.INFO.OF_q", false],
    ["$JS.API.STREAM.INFO.KV_OF_q_attempts", false],
    ["$JS.API.CONSUMER.MSG.NEXT.OF_q_callbacks.c", false],
    ["$JS.API.INFO", false],
    ["$KV.OF_q_attempts.x", false],
    ["$KV.OF_other_attempts.x", true],
    ["q.f.ns", false],
    ["q_dead.f.ns.id", false],
    ["_INBOX.x.*", false]
  ])("%s is of another one: %j", (subject, isOther) => {
    expect(NatsPermissions.isOfAnotherQueue(subject, "q")).toBe(isOther)
  })
})

it.each([
  ["$JS.ACK.OF_q.f.1.2.3.4.5", true, false],
  ["$JS.API.CONSUMER.MSG.NEXT.OF_q.f", true, false],
  ["$JS.API.CONSUMER.CREATE.OF_q.f", true, false],
  ["$KV.OF_q_attempts.x", true, false],
  ["$O.OF_q_results.C.1", true, false],
  ["_INBOX.x.*", true, false],
  ["q_dead.f.ns.id", true, false],
  ["q_callbacks.http.host", true, false],
  ["q.f.ns", false, false],
  ["$JS.API.STREAM.INFO.OF_q", false, false],
  ["$JS.API.STREAM.UPDATE.OF_q", false, true],
  ["$JS.API.STREAM.PURGE.OF_q", false, true],
  ["$JS.API.STREAM.MSG.DELETE.OF_q", false, true],
  ["$JS.API.CONSUMER.DELETE.OF_q.f", false, true]
])(
  "without %s no call could be settled: %j; what nobody can read has an effect there: %j",
  (subject, settling, dangerous) => {
    expect(NatsPermissions.isForSettling(subject)).toBe(settling)
    expect(NatsPermissions.isDangerous(subject)).toBe(dangerous)
  }
)
