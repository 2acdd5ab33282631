import { Result } from "effect"
import { describe, expect, it } from "vitest"
import * as CallbackTarget from "../../src/domain/CallbackTarget.ts"

const verdict = (url: string, rules: string | undefined) =>
  Result.match(
    CallbackTarget.check(
      url,
      rules === undefined ? undefined : Result.getOrThrow(CallbackTarget.rulesFromText(rules))
    ),
    { onFailure: (why) => why, onSuccess: (target) => target.href }
  )

describe("where a callback may go", () => {
  it.each([
    ["http://anywhere.test/done", undefined],
    ["https://anywhere.test:8443/done?a=b", undefined],
    ["http://hooks.test/", "hooks.test"],
    ["http://HOOKS.test:8080/", "Hooks.Test"],
    ["http://hooks.test./", "hooks.test"],
    ["http://hooks.test/", "hooks.test."],
    ["http://a.b.example.com/", "*.example.com"],
    ["http://two.test/", "one.test, two.test"],
    ["http://10.0.0.5:80/", "10.0.0.5"],
    ["http://0x0a000005/", "10.0.0.5"],
    ["http://[0:0::1]/", "[::1]"],
    ["http://bücher.test/", "bücher.test"]
  ])("%s is allowed by %s", (url, rules) => {
    expect(verdict(url, rules)).toBe(new URL(url).href)
  })

  it.each([
    ["http://evil.test/", "hooks.test"],
    ["http://hooks.test.evil.test/", "hooks.test"],
    ["http://evilhooks.test/", "hooks.test"],
    ["http://example.com/", "*.example.com"],
    ["http://evilexample.com/", "*.example.com"],
    ["http://hooks.test@evil.test/", "hooks.test"],
    ["http://evil.test/?hooks.test", "hooks.test"],
    ["http://10.0.0.6/", "10.0.0.5"]
  ])("%s is not allowed by %s", (url, rules) => {
    expect(verdict(url, rules)).toBe(
      `its host ${new URL(url).hostname} is not one that callback_allow_hosts allows`
    )
  })

  it.each([
    ["ftp://hooks.test/", "its scheme is ftp, and only http and https are called"],
    ["file:///etc/passwd", "its scheme is file, and only http and https are called"],
    ["/done", "it is not an absolute URL"]
  ])("%s never is", (url, why) => {
    expect(verdict(url, undefined)).toBe(why)
  })
})

it.each(["", "a,,b", "*", "*.", "a.*", "http://a", "a:80", "a/b", "user@a", "a b", "[::1", "::1"])(
  "the rules %j are refused",
  (text) => {
    expect(Result.isFailure(CallbackTarget.rulesFromText(text))).toBe(true)
  }
)
