import type { Call } from "./Call.ts"
import * as Headers from "./Headers.ts"

/**
 * The headers of a callback: those of the function's reply, then what OpenFaaS reports about the call. The
 * reply's `Content-Encoding` stays, since its body is passed on as it came; headers of its connection go away
 * in `Headers.toWire`.
 */
export const headers = (input: {
  readonly call: Call
  readonly callId: string
  /** `Function` as queued. */
  readonly functionName: string
  /** Undefined when the function gave none. */
  readonly reply: { readonly headers: Headers.HeaderMap } | undefined
  readonly status: number
  readonly durationSeconds: number
  readonly retries: number
  readonly maxRetries: number
  readonly version: string
}): Headers.HeaderMap => {
  // Canonical names, or the reply's own "x-call-id" would stand beside ours.
  const report: Record<string, ReadonlyArray<string>> = Object.create(null)
  for (const [name, values] of Object.entries(input.reply?.headers ?? {})) {
    const canonicalName = Headers.canonical(name)
    report[canonicalName] = [...(report[canonicalName] ?? []), ...values]
  }
  const startTimes = Headers.values(input.call.header, "X-Start-Time")
  return Object.assign(report, startTimes.length === 0 ? {} : { "X-Start-Time": startTimes }, {
    "X-Call-Id": [input.callId],
    "X-Duration-Seconds": [input.durationSeconds.toFixed(6)],
    "X-Function-Status": [String(input.status)],
    "X-Function-Name": [input.functionName],
    "X-Retry": [String(input.retries)],
    "X-Retry-Max": [String(input.maxRetries)],
    "User-Agent": [`sluice/${input.version}`]
  })
}
