import { Result } from "effect"
import { describe, expect, it } from "vitest"
import * as Call from "../../src/domain/Call.ts"
import * as CallbackReport from "../../src/domain/CallbackReport.ts"
import * as Headers from "../../src/domain/Headers.ts"

const call = Result.getOrThrow(
  Call.decode(
    Buffer.from(
      '{"Function":"hr.staging","Header":{"X-Start-Time":["1","2"],"X-Call-Id":["a"],"Accept":["b"]}}'
    )
  )
)

const report = (reply: Headers.HeaderMap | undefined, more: { call?: Call.Call } = {}) => ({
  ...CallbackReport.headers({
    call: more.call ?? call,
    callId: "a",
    functionName: "hr.staging",
    reply: reply === undefined ? undefined : { headers: reply },
    status: 503,
    durationSeconds: 1.23456789,
    retries: 3,
    maxRetries: 100,
    version: "1.2.3"
  })
})

const own = {
  "X-Call-Id": ["a"],
  "X-Duration-Seconds": ["1.234568"],
  "X-Function-Status": ["503"],
  "X-Function-Name": ["hr.staging"],
  "X-Retry": ["3"],
  "X-Retry-Max": ["100"],
  "User-Agent": ["sluice/1.2.3"],
  "X-Start-Time": ["1", "2"]
}

describe("CallbackReport", () => {
  it("tells of a call that got no reply", () => {
    expect(report(undefined)).toEqual(own)
  })

  it("copies the headers of the reply, its encoding included, and nothing of the request", () => {
    const reply = {
      "content-type": ["text/plain"],
      "Content-Encoding": ["gzip"],
      "set-cookie": ["a=1", "b=2"]
    }
    expect(report(reply)).toEqual({
      ...own,
      "Content-Type": ["text/plain"],
      "Content-Encoding": ["gzip"],
      "Set-Cookie": ["a=1", "b=2"]
    })
  })

  it("does not let the reply speak for us, however it writes the names", () => {
    const reply = {
      "x-call-id": ["forged"],
      "X-FUNCTION-STATUS": ["200"],
      "x-duration-seconds": ["0"],
      "user-agent": ["function"],
      "x-start-time": ["3"]
    }
    expect(report(reply)).toEqual(own)
  })

  it("keeps the start time of the reply when the call has none", () => {
    const without = { ...call, header: {} }
    expect(report({ "x-start-time": ["3"] }, { call: without })["X-Start-Time"]).toEqual(["3"])
    expect(report({}, { call: without })).not.toHaveProperty("X-Start-Time")
  })

  it("loses what belongs to the function's connection on the wire", () => {
    const reply = {
      Connection: ["close, X-Hop"],
      "X-Hop": ["1"],
      "Transfer-Encoding": ["chunked"],
      Date: ["now"]
    }
    const { headers } = Headers.toWire(report(reply))
    expect(headers).toEqual(expect.arrayContaining(["Date", "now", "X-Retry", "3"]))
    for (const name of Object.keys(reply).filter((name) => name !== "Date"))
      expect(headers).not.toContain(name)
  })
})
