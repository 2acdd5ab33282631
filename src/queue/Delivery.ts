import type { Msg } from "@nats-io/transport-node"
import * as AckSubject from "./AckSubject.ts"
import { atEndOfTurn } from "./EndOfTurn.ts"

/**
 * One hand-over of a call by JetStream. It is settled by exactly one of `ack` and `nak`; a second one is
 * ignored. Both are fire and forget: a lost one means that the call is delivered again after `ack_wait`,
 * which at-least-once allows; waiting for the server would cost a round trip for every call.
 */
export interface Delivery extends AckSubject.DeliveryInfo {
  readonly subject: string
  /** when the call's stream was made: with the sequence it names the call for ever */
  readonly streamCreated: string
  /** which consumer has delivered it: the time it was made, as a token. Its delivery counts start at 1. */
  readonly consumer: string
  readonly data: Uint8Array
  /** `ack` or `nak` was called. */
  settled(): boolean
  /** The call is finished: JetStream removes it. */
  ack(): void
  /** Not finished: JetStream delivers it again after the delay (0: at once). */
  nak(delayMillis: number): void
  /** Still being worked on: starts `ack_wait` anew, and on servers before 2.15 keeps the consumer alive. */
  working(): void
}

const text = new TextEncoder()
const ACK = text.encode("+ACK")
const NAK = text.encode("-NAK")
const WORKING = text.encode("+WPI")

/** Undefined when the message is no JetStream delivery. */
export const fromMessage = (message: Msg, streamCreated: string, consumer: string): Delivery | undefined => {
  const info = AckSubject.parse(message.reply ?? "")
  if (info === undefined) return undefined
  let settled = false
  const respond = (payload: Uint8Array, final: boolean) => {
    if (settled) return
    settled = final
    // Answers of many calls leave in one packet: sent one by one, they were a third of what a call costs us.
    atEndOfTurn(() => message.respond(payload))
  }
  return {
    ...info,
    subject: message.subject,
    streamCreated,
    consumer,
    data: message.data,
    settled: () => settled,
    ack: () => respond(ACK, true),
    nak: (delayMillis) =>
      respond(delayMillis > 0 ? text.encode(`-NAK {"delay":${Math.ceil(delayMillis * 1e6)}}`) : NAK, true),
    working: () => respond(WORKING, false)
  }
}
