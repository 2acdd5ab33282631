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
  "Sluice-Accepted": new Date(input.acceptedMillis).toISOString(),
  "Sluice-Dead": new Date(input.deadMillis).toISOString(),
  "Sluice-Subject": line(input.subject),
  "Sluice-Stream": input.stream,
  "Sluice-Stream-Created": input.streamCreated,
  "Sluice-Sequence": String(input.sequence)
})

/**
 * The message id of what is stored about the call at `sequence`, so that storing it twice is harmless. It is
 * one token of a subject, and holds the stream's creation because sequences start again in a new stream.
 */
export const id = (streamCreated: string, sequence: number, kind: "dead" | "callback"): string =>
  `${kind}-${StreamCreation.token(streamCreated)}-${sequence}`
