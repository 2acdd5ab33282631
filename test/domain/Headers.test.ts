import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Headers from "../../src/domain/Headers.ts"

const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1")

describe("Headers", () => {
  it.each([
    ["x-call-id", "X-Call-Id"],
    ["X-CALL-ID", "X-Call-Id"],
    ["content-type", "Content-Type"],
    ["TE", "Te"],
    ["x-openfaas-internal", "X-Openfaas-Internal"],
    ["a--b-", "A--B-"],
    ["foo_bar9z", "Foo_bar9z"],
    ["not a name", "not a name"],
    ["é-b", "é-b"],
    ["", ""]
  ])("writes %j as Go does: %j", (name, canonical) => {
    expect(Headers.canonical(name)).toBe(canonical)
  })

  it("keeps repeated headers in order under one name", () => {
    const map = Headers.fromRaw(["Accept", "a", "x-b", "1", "ACCEPT", "c", "accept", "b"])
    expect({ ...map }).toEqual({ Accept: ["a", "c", "b"], "X-B": ["1"] })
  })

  it("keeps a header called like a property of every object", () => {
    const map = Headers.fromRaw(["__proto__", "1", "constructor", "2"])
    expect(Headers.toWire(map)).toEqual({ headers: ["__proto__", "1", "Constructor", "2"], dropped: [] })
    expect(Headers.values({}, "constructor")).toEqual([])
  })

  it("finds values whatever the case of the name", () => {
    expect(Headers.values({ "x-call-id": ["a", "b"] }, "X-Call-Id")).toEqual(["a", "b"])
    expect(Headers.values({ Other: ["a"] }, "X-Call-Id")).toEqual([])
  })

  it("reads values as UTF-8 and writes the same bytes again", () => {
    const raw = ["X-Name", latin1("é 日本 😀"), "X-Bom", latin1("\ufeffa")]
    const map = Headers.fromRaw(raw)
    expect(map["X-Name"]).toEqual(["é 日本 😀"])
    expect(map["X-Bom"]).toEqual(["\ufeffa"])
    expect(Headers.toWire(map).headers).toEqual(raw)
  })

  it("loses no byte of any value, UTF-8 or not, not even through JSON", () => {
    const byte = fc.oneof(
      fc.integer({ min: 0x20, max: 0x7e }),
      fc.integer({ min: 0x80, max: 0xff }),
      fc.constantFrom(0xc3, 0xa9, 0xe6, 0x97, 0xa5, 0xed, 0xb2, 0x80, 0xf0, 0x9f, 0x98, 0x09)
    )
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
        const raw = ["X-Value", Buffer.from(bytes).toString("latin1")]
        const stored: Headers.HeaderMap = JSON.parse(JSON.stringify(Headers.fromRaw(raw)))
        expect(Headers.toWire(stored)).toEqual({ headers: raw, dropped: [] })
      }),
      { numRuns: 2000 }
    )
  })

  it("reads what is readable around a byte that is not UTF-8", () => {
    expect(Headers.fromRaw(["X-Value", `a\xff${latin1("é日😀")}\xc3`])["X-Value"]).toEqual([
      "a\udcffé日😀\udcc3"
    ])
  })

  it("sends no header that belongs to the other connection", () => {
    const map = Headers.fromRaw(
      [
        "connection",
        "host",
        "content-length",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "expect",
        "te",
        "trailer",
        "proxy-authorization",
        "proxy-connection",
        "proxy-anything",
        "content-type"
      ].flatMap((name) => [name, "close"])
    )
    expect(Headers.toWire(map)).toEqual({ headers: ["Content-Type", "close"], dropped: [] })
    expect(Headers.toWire({ "content-length": ["1"], TE: ["a"], "PROXY-X": ["a"] }).headers).toEqual([])
  })

  it("sends no header that Connection names", () => {
    const map = { connection: ["close, X-One", "x-two ,"], "X-One": ["1"], "X-Two": ["2"], "X-Three": ["3"] }
    expect(Headers.toWire(map)).toEqual({ headers: ["X-Three", "3"], dropped: [] })
  })

  it("leaves out what the caller asks for", () => {
    const map = { "x-call-id": ["1"], Accept: ["2"] }
    expect(Headers.toWire(map, new Set(["X-Call-Id"]))).toEqual({ headers: ["Accept", "2"], dropped: [] })
  })

  it("drops values HTTP cannot carry, names their headers once, and keeps the others", () => {
    const map = {
      "X-Line": ["a\r\nEvil: 1", "ok", "\n"],
      "X-Nul": ["\0"],
      "X-Del": ["\x7f"],
      "X-Surrogate": ["\ud800"],
      "X-Tab": ["a\tb"],
      "bad name": ["1"],
      "bad:": ["1"],
      "": ["1"],
      "X-None": []
    }
    expect(Headers.toWire(map)).toEqual({
      headers: ["X-Line", "ok", "X-Tab", "a\tb"],
      dropped: ["X-Line", "X-Nul", "X-Del", "X-Surrogate", "bad name", "bad:", ""]
    })
  })

  it("gives undici only what it accepts", () => {
    const anyText = fc.string({ unit: "binary", maxLength: 8 })
    fc.assert(
      fc.property(fc.dictionary(anyText, fc.array(anyText, { maxLength: 3 })), (map) => {
        for (const text of Headers.toWire(map).headers) expect(text).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/)
      })
    )
  })
})
