import { describe, expect, it } from "vitest"
import * as Outcome from "../../src/domain/Outcome.ts"

const codes = new Set([408, 500, 502, 504])

const reply = (status: number, more: { internal?: boolean; retryAfter?: number } = {}): Outcome.Answer => ({
  _tag: "Reply",
  status,
  internal: more.internal ?? false,
  retryAfter: more.retryAfter
})

const internal = { internal: true }
const retryAfter = { retryAfter: 0 }

describe("Outcome", () => {
  it.each([
    ["200", reply(200), "success", false, 200],
    ["204", reply(204), "success", false, 204],
    ["200 internal", reply(200, internal), "success", false, 200],
    ["302", reply(302), "neutral", false, 302],
    ["302 internal", reply(302, internal), "neutral", false, 302],
    ["400", reply(400), "neutral", false, 400],
    ["400 internal", reply(400, internal), "neutral", true, 400],
    ["408 in the codes", reply(408), "neutral", true, 408],
    ["429 not in the codes", reply(429), "rejected", true, 429],
    ["429 internal", reply(429, internal), "rejected", true, 429],
    ["500", reply(500), "neutral", true, 500],
    ["500 with Retry-After", reply(500, retryAfter), "neutral", true, 500],
    ["501", reply(501), "neutral", false, 501],
    ["501 internal", reply(501, internal), "neutral", true, 501],
    ["503 not in the codes", reply(503), "neutral", false, 503],
    ["503 with Retry-After: 0", reply(503, retryAfter), "rejected", true, 503],
    ["503 internal", reply(503, internal), "rejected", true, 503],
    ["a timeout", { _tag: "Timeout", afterMillis: 60_000 }, "timeout", true, 504],
    ["no connection", { _tag: "Unreachable", detail: "ECONNREFUSED" }, "unreachable", true, 503],
    ["a broken reply", { _tag: "BrokenReply", status: 200, detail: "aborted" }, "neutral", true, 502]
  ] as const)("of %s: the limiter learns %3$s, retried: %4$s", (_, answer, signal, retryable, status) => {
    expect(Outcome.signal(answer)).toBe(signal)
    expect(Outcome.isRetryable(answer, codes)).toBe(retryable)
    expect(Outcome.statusOf(answer)).toBe(status)
  })

  it("never retries a success, even when the codes name it", () => {
    expect(Outcome.isRetryable(reply(200), new Set([200]))).toBe(false)
  })

  it.each([
    [reply(404), "the function answered 404"],
    [
      { _tag: "BrokenReply", status: 200, detail: "aborted" },
      "the function's answer (200) broke off: aborted"
    ],
    [{ _tag: "Unreachable", detail: "ECONNREFUSED" }, "the function could not be reached: ECONNREFUSED"],
    [{ _tag: "Timeout", afterMillis: 1500 }, "the function did not answer within 1.5s"]
  ] as const)("is described in a few words: %2$s", (answer, words) => {
    expect(Outcome.describe(answer)).toBe(words)
  })
})
