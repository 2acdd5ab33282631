import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as DeadLetter from "../../src/domain/DeadLetter.ts"

const input = {
  reason: "exhausted",
  detail: "the function answered 500",
  subject: "faas-request.echo.fn",
  stream: "OF_faas-request",
  streamCreated: "2025-11-20T10:03:00.123456789Z",
  sequence: 7,
  attempts: 3,
  lastStatus: 500,
  answer: { bytes: Buffer.from("no room"), totalBytes: 7 },
  acceptedMillis: Date.UTC(2025, 10, 20, 10),
  deadMillis: Date.UTC(2025, 10, 20, 11),
  callId: "abc",
  functionName: "echo"
} as const

describe("DeadLetter", () => {
  it("tells why, where from and what was tried", () => {
    expect(DeadLetter.headers(input)).toEqual({
      "Sluice-Reason": "exhausted",
      "Sluice-Detail": "the function answered 500",
      "Sluice-Function": "echo",
      "Sluice-Call-Id": "abc",
      "Sluice-Attempts": "3",
      "Sluice-Last-Status": "500",
      "Sluice-Answer": "bm8gcm9vbQ==",
      "Sluice-Answer-Bytes": "7",
      "Sluice-Accepted": "2025-11-20T10:00:00.000Z",
      "Sluice-Dead": "2025-11-20T11:00:00.000Z",
      "Sluice-Subject": "faas-request.echo.fn",
      "Sluice-Stream": "OF_faas-request",
      "Sluice-Stream-Created": "2025-11-20T10:03:00.123456789Z",
      "Sluice-Sequence": "7"
    })
  })

  it("leaves out the status and the call id it does not know", () => {
    const headers = DeadLetter.headers({ ...input, lastStatus: undefined, callId: undefined })
    expect(headers).not.toHaveProperty("Sluice-Last-Status")
    expect(headers).not.toHaveProperty("Sluice-Call-Id")
  })

  it("writes a detail in one readable line", () => {
    const { "Sluice-Detail": detail } = DeadLetter.headers({ ...input, detail: "a\r\n\tb é" })
    expect(detail).toBe("a b \\u00e9")
  })

  it("makes bounded lines of printable ASCII of whatever it is told", () => {
    const anything = fc.string({ unit: "binary", maxLength: 1500, size: "max" })
    fc.assert(
      fc.property(anything, (text) => {
        const told = { ...input, detail: text, subject: text, callId: text, functionName: text }
        for (const value of Object.values(DeadLetter.headers(told))) expect(value).toMatch(/^[ -~]{0,512}$/)
      })
    )
  })

  it("has one id for one kind of thing about one call of one stream, one token of a subject", () => {
    const created = fc.constantFrom(
      "2025-11-20T10:03:00.1Z",
      "2025-11-20T10:03:00.10000001Z",
      "2025-11-20T10:03:01Z"
    )
    const about = fc.tuple(created, fc.integer({ min: 1, max: 3 }), fc.constantFrom("dead", "callback"))
    fc.assert(
      fc.property(about, about, (one, other) => {
        expect(DeadLetter.id(...one)).toMatch(/^[a-z0-9-]+$/)
        expect(DeadLetter.id(...one) === DeadLetter.id(...other)).toBe(one.join() === other.join())
      })
    )
  })

  it("is read as it was written", () => {
    const written = DeadLetter.headers(input)
    const header = (name: string): string | undefined => written[name as keyof typeof written]
    expect(DeadLetter.read(header)).toEqual({
      kind: "call",
      reason: "exhausted",
      detail: "the function answered 500",
      functionName: "echo",
      callId: "abc",
      attempts: 3,
      lastStatus: 500,
      acceptedMillis: input.acceptedMillis,
      deadMillis: input.deadMillis,
      origin: { stream: "OF_faas-request", subject: "faas-request.echo.fn", sequence: 7 }
    })
    expect(DeadLetter.answer(header)).toEqual(input.answer)
  })

  it("keeps at most the first kilobyte of any answer, and how long it was", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000, size: "max" }), (bytes) => {
        const written = DeadLetter.headers({ ...input, answer: { bytes, totalBytes: bytes.length } })
        for (const value of Object.values(written)) expect(value).toMatch(/^[ -~]*$/)
        const header = (name: string): string | undefined => written[name as keyof typeof written]
        const answer = DeadLetter.answer((name) => header(name) || undefined)
        expect(Buffer.from(answer?.bytes ?? [])).toEqual(Buffer.from(bytes.subarray(0, 1024)))
        expect(answer?.totalBytes ?? 0).toBe(bytes.length)
      })
    )
  })

  it("of a stranger is read as far as it goes, whatever it holds", () => {
    const anything = fc.string({ unit: "binary" })
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(DeadLetter.headers(input))), anything),
        (headers) => {
          const known = DeadLetter.read((name) => headers[name])
          expect(JSON.stringify(known)).not.toMatch(/\p{Cc}/u)
          expect(known.attempts === undefined || Number.isFinite(known.attempts)).toBe(true)
        }
      )
    )
    expect(DeadLetter.read(() => undefined)).toMatchObject({ kind: "call", reason: "", callId: undefined })
  })
})
