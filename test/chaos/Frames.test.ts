import fc from "fast-check"
import { expect, it } from "vitest"
import { FrameReader } from "../../chaos/wire/Frames.ts"

const token = fc.stringMatching(/^[a-z.$_-]{1,20}$/)
const payload = fc.string({ unit: fc.constantFrom("a", "\r", "\n", "é", "{", " ") })

/** A message as it goes over the wire, and what is in it. */
const message = fc
  .record({
    verb: fc.constantFrom("PUB", "MSG", "HPUB", "HMSG"),
    subject: token,
    reply: fc.option(token),
    payload
  })
  .map(({ payload, reply, subject, verb }) => {
    const body = Buffer.from(payload)
    const words = [verb, subject, ...(verb.endsWith("MSG") ? ["7"] : []), ...(reply === null ? [] : [reply])]
    const sizes = verb.startsWith("H") ? `0 ${body.length}` : `${body.length}`
    const raw = Buffer.concat([Buffer.from(`${words.join(" ")} ${sizes}\r\n`), body, Buffer.from("\r\n")])
    return { raw, expected: { verb, subject, reply: reply ?? "", payload } }
  })
const line = fc.constantFrom("PING", "PONG", "+OK", "SUB a.b 7").map((text) => ({
  raw: Buffer.from(`${text}\r\n`),
  expected: { verb: text.split(" ")[0] ?? "", subject: "", reply: "", payload: "" }
}))

it("whatever way the bytes arrive, the frames are the same and not a byte is lost", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(message, line), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(200), { maxLength: 10 }),
      (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(({ raw }) => raw))
        const edges = [
          0,
          ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b),
          bytes.length
        ]
        const reader = new FrameReader()
        const frames = edges.slice(1).flatMap((to, index) => reader.push(bytes.subarray(edges[index], to)))
        expect(
          frames.map(({ payload, reply, subject, verb }) => ({ verb, subject, reply, payload: payload() }))
        ).toEqual(sent.map(({ expected }) => expected))
        expect(Buffer.concat(frames.map(({ raw }) => raw))).toEqual(bytes)
      }
    )
  )
})
