import * as Excerpt from "./Excerpt.ts"
import { printable } from "./Printable.ts"
import * as StreamCreation from "./StreamCreation.ts"
import type { DeadReason } from "./Verdict.ts"

const longestText = 512

/** One bounded line of printable ASCII: details quote replies and messages, which may hold anything. */
const line = (text: string): string =>
  text
    .slice(0, longestText)
    .replace(/\s+/g, " ")
    .replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .slice(0, longestText)

/** The message headers of a dead letter: why it is one, where it came from and what was tried. */
export const headers = (input: {
  /** `callback`: the message is no call but the result of one, on its way to its receiver */
  readonly kind?: "callback"
  readonly reason: DeadReason
  readonly detail: string
  readonly subject: string
  readonly stream: string
  readonly streamCreated: string
  readonly sequence: number
  readonly attempts: number
  readonly lastStatus: number | undefined
  /** what the function said last */
  readonly answer: Excerpt.Excerpt | undefined
  readonly acceptedMillis: number
  readonly deadMillis: number
  readonly callId: string | undefined
  readonly functionName: string
}): Record<string, string> => ({
  ...(input.kind === undefined ? {} : { "Sluice-Kind": input.kind }),
  "Sluice-Reason": input.reason,
  "Sluice-Detail": line(input.detail),
  "Sluice-Function": line(input.functionName),
  ...(input.callId === undefined ? {} : { "Sluice-Call-Id": line(input.callId) }),
  "Sluice-Attempts": String(input.attempts),
  ...(input.lastStatus === undefined ? {} : { "Sluice-Last-Status": String(input.lastStatus) }),
  ...(input.answer === undefined ? {} : answerHeaders(input.answer)),
  "Sluice-Accepted": new Date(input.acceptedMillis).toISOString(),
  "Sluice-Dead": new Date(input.deadMillis).toISOString(),
  "Sluice-Subject": line(input.subject),
  "Sluice-Stream": input.stream,
  "Sluice-Stream-Created": input.streamCreated,
  "Sluice-Sequence": String(input.sequence)
})

/** An answer may hold anything, a header only text: base64. */
const answerHeaders = ({ bytes, totalBytes }: Excerpt.Excerpt): Record<string, string> => ({
  "Sluice-Answer": Buffer.from(bytes.subarray(0, Excerpt.MAX_BYTES)).toString("base64"),
  "Sluice-Answer-Bytes": String(totalBytes)
})

/**
 * The message id of what is stored about the call at `sequence`, so that storing it twice is harmless. It is
 * one token of a subject, and holds the stream's creation because sequences start again in a new stream.
 */
export const id = (streamCreated: string, sequence: number, kind: "dead" | "callback"): string =>
  `${kind}-${StreamCreation.token(streamCreated)}-${sequence}`

/** What the headers of a dead letter tell. A stranger's message in their stream tells little. */
export interface Known {
  /** what its message is */
  readonly kind: "call" | "callback"
  readonly reason: string
  readonly detail: string
  /** `name.namespace` */
  readonly functionName: string
  /** undefined when the message could not be decoded */
  readonly callId: string | undefined
  readonly attempts: number | undefined
  /** status of the last answer; undefined when there was none */
  readonly lastStatus: number | undefined
  readonly acceptedMillis: number | undefined
  readonly deadMillis: number | undefined
  /** where the call was; 0 for an unknown sequence */
  readonly origin: { readonly stream: string; readonly subject: string; readonly sequence: number }
}

type ReadHeader = (name: string) => string | undefined

/** Reads what `headers` has written. */
export const read = (header: ReadHeader): Known => {
  const text = (name: string) => printable(header(name) ?? "")
  const number = (name: string) => finite(Number(header(name) ?? Number.NaN))
  const time = (name: string) => finite(Date.parse(header(name) ?? ""))
  const reason = text("Sluice-Reason")
  return {
    kind: header("Sluice-Kind") === "callback" || reason === "callback-undeliverable" ? "callback" : "call",
    reason,
    detail: text("Sluice-Detail"),
    functionName: text("Sluice-Function"),
    callId: text("Sluice-Call-Id") || undefined,
    attempts: number("Sluice-Attempts"),
    lastStatus: number("Sluice-Last-Status"),
    acceptedMillis: time("Sluice-Accepted"),
    deadMillis: time("Sluice-Dead"),
    origin: {
      stream: text("Sluice-Stream"),
      subject: text("Sluice-Subject"),
      sequence: number("Sluice-Sequence") ?? 0
    }
  }
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)

/** The beginning of the last answer, when there was one. */
export const answer = (header: ReadHeader): Excerpt.Excerpt | undefined => {
  const base64 = header("Sluice-Answer")
  if (base64 === undefined) return undefined
  const bytes = Buffer.from(base64, "base64")
  return { bytes, totalBytes: Number(header("Sluice-Answer-Bytes")) || bytes.length }
}
