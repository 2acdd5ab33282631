import * as fc from "fast-check"
import { expect, it } from "vitest"
import { printable, textOf } from "../../src/domain/Printable.ts"

it("what is printed is one line that cannot steer a terminal, and text stays as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).toMatch(/^\P{Cc}*$/u)
    })
  )
  expect(printable("naïve 日本")).toBe("naïve 日本")
  expect(printable("a\u001b[2J")).toBe("a\\u001b[2J")
})

it("text is text wherever it is cut", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), fc.nat(100), (text, at) => {
      const bytes = Buffer.from(text.replace(/\p{Cc}/gu, ""))
      const cut = bytes.subarray(0, at)
      const shown = textOf(cut, cut.length < bytes.length)
      expect(bytes.toString().startsWith(shown ?? "not text")).toBe(true)
      expect(cut.length - Buffer.byteLength(shown ?? "")).toBeLessThan(4)
    })
  )
})

it.each([
  ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe)],
  ["a character that is cut where nothing was", Uint8Array.of(0x61, 0xe6, 0x97)],
  ["a zero byte", Uint8Array.of(0x61, 0x00)]
])("%s is no text", (_, bytes) => {
  expect(textOf(bytes, false)).toBeUndefined()
})
