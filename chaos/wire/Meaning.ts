import * as AckSubject from "../../src/queue/AckSubject.ts"
import type { Frame } from "./Frames.ts"

/** What a frame between one of our programs and NATS means for a call. */
export type Meaning =
  | {
      readonly _tag: "Delivered"
      readonly call: string
      readonly sequence: number
      readonly count: number
    }
  | {
      readonly _tag: "Settled"
      readonly of: "call" | "callback"
      readonly how: "ack" | "nak"
      readonly sequence: number
    }
  /** Something that must outlive the call is on its way to a stream. */
  | { readonly _tag: "Sent"; readonly what: Stored }
  /** The stream has it. */
  | { readonly _tag: "Confirmed"; readonly what: Stored }
  | { readonly _tag: "Other" }

export type Stored = "call" | "dead" | "callback" | "ledger"

const QUEUE = "faas-request"
export const STREAM = `OF_${QUEUE}`

const prefixes: ReadonlyArray<readonly [string, Stored]> = [
  [`${QUEUE}.`, "call"],
  [`${QUEUE}_dead.`, "dead"],
  [`${QUEUE}_callbacks.`, "callback"],
  [`$KV.${STREAM}_attempts.`, "ledger"],
  [`$KV.${STREAM}_callbacks_attempts.`, "ledger"]
]

const storedBy = (subject: string): Stored | undefined =>
  prefixes.find(([prefix]) => subject.startsWith(prefix))?.[1]

const deliveredBy = (subject: string): "call" | "callback" | undefined => {
  if (subject.includes(`.${STREAM}.`)) return "call"
  return subject.includes(`.${STREAM}_callbacks.`) ? "callback" : undefined
}

const other: Meaning = { _tag: "Other" }

/** The call that a message of any of our streams is about. */
export const callIn = (text: string): string => /chaos-\d+-\d+/.exec(text)?.[0] ?? ""

/** Understands the frames of one connection: a confirmation is known by where it was wanted. */
export class Reader {
  readonly #wanted = new Map<string, Stored>()

  fromProgram(frame: Frame): Meaning {
    if (!frame.verb.endsWith("PUB")) return other
    if (frame.subject.startsWith("$JS.ACK.")) {
      const how = frame.payload()
      const sequence = AckSubject.parse(frame.subject)?.streamSequence ?? 0
      const of = deliveredBy(frame.subject)
      if (of === undefined) return other
      if (how.startsWith("+ACK")) return { _tag: "Settled", of, how: "ack", sequence }
      if (how.startsWith("-NAK")) return { _tag: "Settled", of, how: "nak", sequence }
      return other
    }
    const what = storedBy(frame.subject)
    if (what === undefined || frame.reply === "") return other
    this.#wanted.set(frame.reply, what)
    return { _tag: "Sent", what }
  }

  fromServer(frame: Frame): Meaning {
    if (!frame.verb.endsWith("MSG")) return other
    const what = this.#wanted.get(frame.subject)
    if (what !== undefined) {
      this.#wanted.delete(frame.subject)
      // A refusal confirms nothing.
      return frame.payload().includes('"error"') ? other : { _tag: "Confirmed", what }
    }
    const info = frame.reply.includes(`.${STREAM}.`) ? AckSubject.parse(frame.reply) : undefined
    if (info === undefined) return other
    const { streamSequence: sequence, deliveryCount: count } = info
    return { _tag: "Delivered", call: callIn(frame.payload()), sequence, count }
  }
}
