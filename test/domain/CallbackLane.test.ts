import { Option } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as CallbackLane from "../../src/domain/CallbackLane.ts"

const queue = "faas-request_callbacks"
const created = "2026-11-20T08:00:00.123456789Z"

const urls = fc
  .tuple(
    fc.constantFrom("http", "https"),
    fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((address) => `[${address}]`),
      fc.constantFrom("a_b", "a=b", "a-b", "a.b", "a--b", "UPPER.example", "bücher.example", "a~b", "a$b"),
      fc.stringMatching(/^[a-z]{1,60}(\.[a-z]{1,60}){1,8}$/)
    ),
    fc.option(fc.integer({ min: 1, max: 65535 })),
    fc.constantFrom("", "/", "/done?a=b", "/other")
  )
  .map(([scheme, host, port, rest]) => `${scheme}://${host}${port === null ? "" : `:${port}`}${rest}`)
  .filter((url) => URL.canParse(url))

describe("CallbackLane", () => {
  it("is one for scheme, host and port, whatever the path", () => {
    fc.assert(
      fc.property(urls, urls, (one, other) => {
        const same = new URL(one).origin === new URL(other).origin
        const [a, b] = [CallbackLane.of(queue, one), CallbackLane.of(queue, other)]
        expect(a.subject === b.subject).toBe(same)
        expect(a.key === b.key).toBe(same)
        expect(a.consumerName(created) === b.consumerName(created)).toBe(same)
      })
    )
  })

  it("is found by its subject, and has names that JetStream takes", () => {
    fc.assert(
      fc.property(urls, (url) => {
        const lane = CallbackLane.of(queue, url)
        const found = Option.getOrThrow(CallbackLane.parse(queue, lane.subject))
        expect(found.key).toBe(lane.key)
        expect(lane.subject).toMatch(/^faas-request_callbacks\.[a-z0-9=_-]+$/)
        expect(lane.consumerName(created)).toMatch(/^[a-z0-9=_-]{1,200}$/)
      })
    )
  })

  it("takes any length of host, and tells long ones apart", () => {
    const hosts = [..."abc"].map((last) => `${`${"x".repeat(60)}.`.repeat(20)}${last}`)
    const lanes = hosts.map((host) => CallbackLane.of(queue, `https://${host}/done`))
    expect(new Set(lanes.map(({ key }) => key)).size).toBe(3)
    for (const lane of lanes) expect(lane.consumerName(created).length).toBeLessThan(200)
  })

  it.each([
    ["http://127.0.0.1:4000/done", "http-4000-127=0=0=1"],
    ["https://hooks.example.com/x", "https-443-hooks=example=com"],
    ["http://[::1]/", "http-80-_5b_3a_3a1_5d"]
  ])("of %s is called %s", (url, key) => {
    expect(CallbackLane.of(queue, url).key).toBe(key)
  })

  it.each([
    "faas-request_callbacks",
    "faas-request_callbacks.",
    "faas-request_callbacks.a.b",
    "other.http-80-a"
  ])("is not found by the subject %s", (subject) => {
    expect(CallbackLane.parse(queue, subject)).toEqual(Option.none())
  })
})
