import { describe, expect, it } from "vitest"
import { isSame, token } from "../../src/domain/StreamCreation.ts"

describe("the token of a creation", () => {
  it.each([
    // nats-server 2.10.27, before and after a restart
    ["2026-11-20T17:29:48.909807165Z", "2026-11-20T17:29:48.909890008Z", true],
    ["2026-11-20T17:29:51.50942114Z", "2026-11-20T17:29:51.50942114Z", true],
    ["2026-11-20T17:29:51.5Z", "2026-11-20T17:29:52Z", false]
  ])("of %s and that of %s are of one creation: %j", (one, other, same) => {
    expect(isSame(token(one), token(other))).toBe(same)
    expect(isSame(token(other), token(one))).toBe(same)
  })

  it("that cannot be read is that of another one", () => {
    expect(isSame("", token("2026-11-20T17:29:51.5Z"))).toBe(false)
  })
})
