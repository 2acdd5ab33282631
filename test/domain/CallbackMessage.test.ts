import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as CallbackMessage from "../../src/domain/CallbackMessage.ts"
import * as Headers from "../../src/domain/Headers.ts"

const rawHeaders = fc
  .array(
    fc.tuple(
      fc.oneof(fc.stringMatching(/^[A-Za-z_-]{1,20}$/), fc.constantFrom("__proto__", "constructor")),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1"))
    )
  )
  .map((pairs) => pairs.flat())

const about = {
  url: fc.webUrl(),
  callId: fc.string(),
  functionName: fc.string(),
  status: fc.integer({ min: 100, max: 999 }),
  acceptedMillis: fc.nat(),
  finishedMillis: fc.nat(),
  stream: fc.string(),
  streamCreated: fc.string(),
  sequence: fc.nat(),
  headers: rawHeaders.map(Headers.fromRaw),
  body: fc.uint8Array()
}

const callbacks: fc.Arbitrary<CallbackMessage.Callback> = fc.oneof(
  fc.record(about),
  fc.record({ ...about, trace: fc.record({ Traceparent: fc.array(fc.string()) }) })
)

describe("CallbackMessage", () => {
  it("comes back as it was, with every byte of headers and body", () => {
    fc.assert(
      fc.property(callbacks, (callback) => {
        const { body, headers, ...about } = callback
        const read = Result.getOrThrow(CallbackMessage.decode(CallbackMessage.encode(callback)))
        if (!("body" in read)) throw new Error("a reference")
        expect(read).toMatchObject(about)
        expect(Buffer.from(read.body)).toEqual(Buffer.from(body))
        expect(Headers.toWire(read.headers)).toEqual(Headers.toWire(headers))
      })
    )
  })

  it("of a large callback names the object and keeps what it is about", () => {
    fc.assert(
      fc.property(callbacks, fc.string(), (callback, object) => {
        const { body: _, headers: __, ...about } = callback
        const read = Result.getOrThrow(
          CallbackMessage.decode(CallbackMessage.encodeReference(callback, object))
        )
        expect(read).toEqual({ ...about, object })
      })
    )
  })

  it("that is none is refused without a word of what it holds", () => {
    const good = { url: "http://a/", callId: "c", functionName: "f.n", status: 200, acceptedMillis: 1 }
    const head = { ...good, finishedMillis: 2, stream: "S", streamCreated: "t", sequence: 1, headers: {} }
    const heads: ReadonlyArray<unknown> = [
      null,
      "secret",
      [],
      {},
      good,
      { ...head, headers: { A: "secret" } },
      { ...head, status: "200" },
      { ...head, url: "secret" },
      { ...head, sequence: 1.5 }
    ]
    for (const text of [
      "",
      "secret",
      "\n",
      "secret\n",
      ...heads.map((each) => `${JSON.stringify(each)}\n`)
    ]) {
      const read = CallbackMessage.decode(Buffer.from(text))
      expect(Result.isFailure(read) ? read.failure : "read", text).toMatch(/^the (?!.*secret)/)
    }
    fc.assert(fc.property(fc.uint8Array(), (bytes) => Result.isFailure(CallbackMessage.decode(bytes))))
  })
})
