import { createHmac } from "node:crypto"
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as WebhookSignature from "../../src/domain/WebhookSignature.ts"

// Published with the reference implementations of the Standard Webhooks specification.
const published = {
  key: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestampSeconds: 1614265330,
  body: Buffer.from('{"test": 2432232314}'),
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
}

const keys = (text: string) => Result.getOrThrow(WebhookSignature.keysFromText(text))

const mistakes = (text: string) =>
  Result.match(WebhookSignature.keysFromText(text), { onFailure: (found) => found, onSuccess: () => [] })

describe("the signature of a callback", () => {
  it.each([published.key, published.key.replace("whsec_", "")])(
    "is the published one with the key %s",
    (key) => {
      expect(WebhookSignature.headers(keys(key), published)).toEqual([
        "webhook-id",
        published.id,
        "webhook-timestamp",
        "1614265330",
        "webhook-signature",
        published.signature
      ])
    }
  )

  it("is made with every key, the current one first", () => {
    const current = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
    const [, , , , , signature = ""] = WebhookSignature.headers(
      keys(`${current}\n${published.key}`),
      published
    )
    expect(signature.split(" ")).toEqual([expect.stringMatching(/^v1,/), published.signature])
    expect(signature.startsWith(published.signature)).toBe(false)
  })

  it("is of the id and time it is sent with and of the body's bytes, and of nothing else that can be cut so", () => {
    const bytes = fc.uint8Array({ minLength: 24, maxLength: 64 })
    fc.assert(
      fc.property(bytes, fc.string(), fc.nat(), fc.uint8Array(), (key, id, timestampSeconds, body) => {
        const headers = WebhookSignature.headers([key], { id, timestampSeconds, body })
        const [, sentId = "", , sentTime = "", , signature] = headers
        const signed = Buffer.concat([Buffer.from(`${sentId}.${sentTime}.`), body])
        expect(signature).toBe(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`)
        expect(sentId + sentTime).not.toContain(".")
      })
    )
  })
})

describe("a file of keys", () => {
  const other = Buffer.alloc(64, 1).toString("base64")

  it("has one a line, with comments and empty lines between", () => {
    const text = `# since today\r\n${published.key}\r\n\r\n  # until Monday\n  ${other}  \n`
    expect(keys(text).map((key) => Buffer.from(key).toString("base64"))).toEqual([
      published.key.slice("whsec_".length),
      other
    ])
  })

  it.each([
    ["a word", "secret"],
    ["a short key", `whsec_${Buffer.alloc(23).toString("base64")}`],
    ["a long key", `whsec_${Buffer.alloc(65).toString("base64")}`],
    ["another kind of key", `whsk_${other}`],
    ["two keys in one line", `${other} ${other}`],
    ["base64 that is cut", other.slice(0, 81)],
    ["base64 for URLs", Buffer.alloc(32, 255).toString("base64url")]
  ])("with %s is refused with its line, and without the key", (_, line) => {
    const found = mistakes(`# keys\n${published.key}\n${line}\n`)
    expect(found).toEqual([{ line: 3, text: expect.stringContaining("this is no key") }])
    expect(JSON.stringify(found)).not.toContain(line)
  })

  it("is refused with every mistake at once", () => {
    expect(mistakes(`a\n${published.key}\nb`).map(({ line }) => line)).toEqual([1, 3])
  })

  it.each(["", "\n# nothing\n"])("without a key is refused: %j", (text) => {
    expect(mistakes(text)).toEqual([{ line: 1, text: expect.stringContaining("there is no key") }])
  })
})
