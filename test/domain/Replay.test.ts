import { Result } from "effect"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import * as Call from "../../src/domain/Call.ts"
import * as Headers from "../../src/domain/Headers.ts"
import * as Replay from "../../src/domain/Replay.ts"

const letter = { kind: "call", functionName: "echo.fns" } as const
const now = Date.UTC(2026, 10, 20)

const calls = fc.record({
  body: fc.uint8Array(),
  path: fc.constantFrom("", "/a/b"),
  headers: fc.dictionary(
    fc.constantFrom("X-Call-Id", "x-start-time", "X-A", "X-Sluice-Replay-Of"),
    fc.array(fc.string())
  ),
  annotations: fc.dictionary(fc.constantFrom("com.openfaas.retry.attempts", "sluice.limit"), fc.string()),
  more: fc.jsonValue()
})

it("a replay is the same call but for its link and its start", () => {
  fc.assert(
    fc.property(calls, ({ annotations, body, headers, more, path }) => {
      const message = Buffer.from(
        JSON.stringify({
          Function: "echo",
          Method: "PUT",
          Path: path,
          Header: headers,
          Annotations: annotations,
          Body: Buffer.from(body).toString("base64"),
          More: more
        })
      )
      const replay = Result.getOrThrow(Replay.of(letter, message, "link-1", now))
      if (replay._tag !== "Call") throw new Error("it is a callback")
      expect(replay.fn).toEqual({ name: "echo", namespace: "fns" })
      const { header: before, ...original } = Result.getOrThrow(Call.decode(message))
      const { header: after, ...replayed } = Result.getOrThrow(Call.decode(replay.message))
      expect(replayed).toEqual(original)
      expect(Headers.values(after, "X-Call-Id")).toEqual(Headers.values(before, "X-Call-Id"))
      expect(Headers.values(after, "X-A")).toEqual(Headers.values(before, "X-A"))
      expect(Headers.values(after, Replay.LINK)).toEqual(["link-1"])
      expect(Headers.values(after, "X-Start-Time")).toEqual([`${now}000000`])
      expect(Object.keys(after).filter((name) => Headers.canonical(name) === "X-Start-Time")).toHaveLength(1)
    })
  )
})

it.each([
  [
    "a call whose callback goes nowhere",
    { ...letter, kind: "callback" as const },
    "{}",
    /would run the function again/
  ],
  ["no function", { ...letter, functionName: "" }, "{}", /names no function/],
  ["no call", letter, "garbage", /nobody could run it/]
])("%s is not replayed", (_, dead, message, why) => {
  expect(Replay.of(dead, Buffer.from(message), "link", now)).toEqual(Result.fail(expect.stringMatching(why)))
})

it("a link names one letter of one stream", () => {
  const created = "2026-11-20T10:03:00.1Z"
  expect(Replay.link(created, 7)).toMatch(/^[a-z0-9]+-7$/)
  expect(Replay.link("2026-11-20T10:03:00.10000001Z", 7)).not.toBe(Replay.link(created, 7))
})
