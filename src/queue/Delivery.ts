import type { Msg, NatsConnection } from "@nats-io/transport-node"
import * as AckSubject from "./AckSubject.ts"
import { atEndOfTurn } from "./EndOfTurn.ts"

/**
 * A call in hand, as JetStream has handed it over. It is settled by exactly one of `ack` and `nak`; a second one is
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
  /** The subject for what is said about it. */
  readonly replyTo: string
  /** The call has come again while it is in hand: what is said from now on is said about the later hand-over. */
  renew(later: Delivery): void
  /** The call is finished: JetStream removes it, and is asked to say so when somebody wants to know. */
  ack(removed?: () => void): void
  /** Not finished: JetStream delivers it again after the delay (0: at once). */
  nak(delayMillis: number): void
  /** Still being worked on: starts `ack_wait` anew, and on servers before 2.15 keeps the consumer alive. */
  working(): void
}

const CONFIRM_TIMEOUT_MILLIS = 5_000

const text = new TextEncoder()
const ACK = text.encode("+ACK")
const NAK = text.encode("-NAK")
const WORKING = text.encode("+WPI")

/** Undefined when the message is no JetStream delivery. */
export const fromMessage = (
  message: Msg,
  connection: Pick<NatsConnection, "publish" | "request">,
  streamCreated: string,
  consumer: string
): Delivery | undefined => {
  let replyTo = message.reply ?? ""
  const info = AckSubject.parse(replyTo)
  if (info === undefined) return undefined
  let settled = false
  const settle = (say: () => void) => {
    if (settled) return
    settled = true
    // Answers of many calls leave in one packet: sent one by one, they were a third of what a call costs us.
    atEndOfTurn(say)
  }
  return {
    ...info,
    subject: message.subject,
    streamCreated,
    consumer,
    data: message.data,
    replyTo,
    settled: () => settled,
    renew: (later) => void (replyTo = later.replyTo),
    ack: (removed) =>
      settle(() => {
        if (removed === undefined) return connection.publish(replyTo, ACK)
        connection.request(replyTo, ACK, { timeout: CONFIRM_TIMEOUT_MILLIS }).then(removed, () => undefined)
      }),
    nak: (delayMillis) =>
      settle(() => connection.publish(replyTo, delayMillis > 0 ? nakIn(delayMillis) : NAK)),
    working: () => {
      if (!settled) atEndOfTurn(() => connection.publish(replyTo, WORKING))
    }
  }
}

const nakIn = (delayMillis: number) => text.encode(`-NAK {"delay":${Math.ceil(delayMillis * 1e6)}}`)
