import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Credentials from "../../src/settings/Credentials.ts"

describe("hide", () => {
  it.each([
    ["nats://user:pw@host:4222", "nats://***@host:4222"],
    ["tls://token@a,tls://token@b", "tls://***@a,tls://***@b"],
    ["user:pw@host", "***@host"],
    ["nats://host:4222", "nats://host:4222"],
    ["nats://user:p@w,x@host", "nats://***@host"]
  ])("%s is shown as %s", (text, shown) => {
    expect(Credentials.hide(text)).toBe(shown)
  })

  it("never leaves a password, whatever characters it has", () => {
    const password = fc
      .string({ minLength: 1, maxLength: 12 })
      .map((text) => `<${text.replaceAll("://", "")}>`)
    fc.assert(
      fc.property(password, fc.constantFrom("nats://", "tls://", ""), (secret, scheme) => {
        expect(Credentials.hide(`${scheme}user:${secret}@host`)).toBe(`${scheme}***@host`)
      })
    )
  })
})
