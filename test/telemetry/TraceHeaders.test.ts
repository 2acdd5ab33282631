import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Headers from "../../src/domain/Headers.ts"
import * as TraceHeaders from "../../src/telemetry/TraceHeaders.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"
const parent = `00-${traceId}-${spanId}-01`
const step = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 }

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length })

describe("the context in headers", () => {
  it.each(["Traceparent", "traceparent", "TRACEPARENT"])("is read whatever the case of %s", (name) => {
    expect(TraceHeaders.read({ [name]: [parent] })).toMatchObject({ traceId, spanId, traceFlags: 1 })
  })

  it.each([
    ["none", {}],
    ["an empty one", { Traceparent: [""] }],
    ["two of them", { Traceparent: [parent, parent] }],
    ["one of an impossible trace", { Traceparent: [`00-${"0".repeat(32)}-${spanId}-01`] }],
    ["one that is cut off", { Traceparent: [parent.slice(0, -1)] }],
    ["one of a forbidden version", { Traceparent: [`ff${parent.slice(2)}`] }]
  ])("is nothing with %s", (_, headers) => {
    expect(TraceHeaders.read(headers)).toBeUndefined()
  })

  it("is what was written, and the state of other vendors goes with it", () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (trace_, span, isSampled) => {
        fc.pre(/[1-9a-f]/.test(trace_) && /[1-9a-f]/.test(span))
        const map = {
          Traceparent: [`00-${trace_}-${span}-0${isSampled ? 1 : 0}`],
          Tracestate: ["a=1", "b=2"]
        }
        const read = TraceHeaders.read(map)
        if (read === undefined) throw new Error("it was not read")
        const written = TraceHeaders.write(read, { "X-Other": ["x"] })
        expect(written["Traceparent"]).toEqual(map.Traceparent)
        expect(written["Tracestate"]).toEqual(["a=1,b=2"])
      })
    )
  })

  it("is written instead of any other, and every other header stays as it was", () => {
    const names = fc.constantFrom(
      "traceparent",
      "Traceparent",
      "TraceState",
      "X-A",
      "x-b",
      "__proto__",
      "Cookie"
    )
    fc.assert(
      fc.property(
        fc.dictionary(names, fc.array(fc.string({ unit: "binary" })), { noNullPrototype: false }),
        (map) => {
          const written = TraceHeaders.write(step, map)
          expect(Headers.values(written, "Traceparent")).toEqual([`00-${step.traceId}-${step.spanId}-01`])
          for (const name of Object.keys(map)) {
            if (!/^trace(parent|state)$/i.test(name)) expect(written[name]).toEqual(map[name])
          }
          expect(Headers.values(written, "Tracestate")).toEqual([])
        }
      )
    )
  })

  it("is all that is taken of headers, however much they hold, and nothing without one", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string({ minLength: 600 }), (Tracestate, other) => {
        const headers = { traceparent: [parent], Tracestate: [...Tracestate, "a=b"], "X-Other": [other] }
        const only = TraceHeaders.only(headers)
        expect(only["Traceparent"]).toEqual([parent])
        expect(JSON.stringify(only).length).toBeLessThan(1_500)
        expect(TraceHeaders.only(only)).toEqual(only)
        expect(TraceHeaders.only({ "X-Other": [other], Tracestate })).toEqual({})
      })
    )
  })

  it("never throws, whatever the headers hold", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary" })),
        fc.array(fc.string()),
        (Traceparent, Tracestate) => {
          TraceHeaders.read({ Traceparent, Tracestate })
          TraceHeaders.read({ Traceparent: [parent], Tracestate })
        }
      )
    )
  })
})
