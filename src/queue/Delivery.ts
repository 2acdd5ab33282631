import type { Msg, MsgHdrs, NatsConnection } from "@nats-io/transport-node"
import { Option } from "effect"
import type { AttemptRecord } from "../domain/AttemptRecord.ts"
import * as MovedCall from "../domain/MovedCall.ts"
import * as AckSubject from "./AckSubject.ts"
import { atEndOfTurn } from "./EndOfTurn.ts"

/**
 * A call in hand, as JetStream has handed it over. It is settled by exactly one of `ack` and `nak`; a second one is
 * ignored. Nobody waits for the server, unless he wants to hear of it: a lost one means that the call is delivered
 * again after `ack_wait`, which at-least-once allows, and a round trip for every call would buy nothing else.
 */
export interface Delivery extends AckSubject.DeliveryInfo {
  /** when the call was accepted, milliseconds since 1970; one that was moved was stored later */
  readonly acceptedMillis: number
  readonly subject: string
  /** when the call's stream was made: with the sequence it names the call for ever */
  readonly streamCreated: string
  /** which consumer has delivered it: the time it was made, about, as a token. Its delivery counts start at 1. */
  readonly consumer: string
  readonly data: Uint8Array
  /** what the ledger had of it under the bare subject of the queue, when it was moved from there */
  readonly movedWith: AttemptRecord | undefined
  /** `ack` or `nak` was called. */
  settled(): boolean
  /** the subject for what is said about this hand-over */
  readonly replyTo: string
  /** The call has come again while it is in hand: what is said from now on is said about this later hand-over. */
  renewal: Delivery | undefined
  /** The call is finished: JetStream removes it. Who wants to know hears whether it has said so in time. */
  ack(heard?: (removed: boolean) => void): void
  /** Not finished: JetStream delivers it again after the delay (0: at once). */
  nak(delayMillis: number): void
  /** Still being worked on: starts `ack_wait` anew, and on servers before 2.15 keeps the consumer alive. */
  working(): void
}

const CONFIRM_TIMEOUT_MILLIS = 5_000

const text = new TextEncoder()
const ACK = text.encode("+ACK")
const NAK = text.encode("-NAK")
/** Still being worked on. */
export const WORKING = text.encode("+WPI")

/** Undefined when the message is no JetStream delivery. */
export const fromMessage = (
  message: Msg,
  connection: Pick<NatsConnection, "publish" | "request">,
  streamCreated: string,
  consumer: string
): Delivery | undefined => {
  const replyTo = message.reply ?? ""
  const info = AckSubject.parse(replyTo)
  if (info === undefined) return undefined
  let settled = false
  const settle = (action: () => void) => {
    if (settled) return
    settled = true
    // Answers of many calls leave in one packet: sent one by one, they were a third of what a call costs us.
    atEndOfTurn(action)
  }
  const say = (payload: Uint8Array) => connection.publish(current(delivery), payload)
  const past = pastOf(message)
  const delivery: Delivery = {
    ...info,
    acceptedMillis: past?.acceptedMillis ?? info.acceptedMillis,
    movedWith: past?.record,
    subject: message.subject,
    streamCreated,
    consumer,
    data: message.data,
    replyTo,
    settled: () => settled,
    renewal: undefined,
    ack: (heard) =>
      settle(() => {
        if (heard === undefined) return say(ACK)
        connection.request(current(delivery), ACK, { timeout: CONFIRM_TIMEOUT_MILLIS }).then(
          () => heard(true),
          () => heard(false)
        )
      }),
    nak: (delayMillis) => settle(() => say(delayMillis > 0 ? nakIn(delayMillis) : NAK)),
    working: () => {
      if (!settled) atEndOfTurn(() => say(WORKING))
    }
  }
  return delivery
}

/** Headers that hold the message id of a gateway and nothing else, bytes: nearly all do, and reading them costs. */
const GATEWAYS_HEADER_BYTES = `NATS/1.0\r\nNats-Msg-Id: ${"-".repeat(36)}\r\n\r\n`.length

const pastOf = (message: Msg): MovedCall.Past | undefined => {
  const { data, reply = "", subject } = message
  // All of it; the client's type does not tell of it.
  const { size } = message as Msg & { readonly size: () => number }
  const headerBytes = size.call(message) - subject.length - reply.length - data.length
  return headerBytes === 0 || headerBytes === GATEWAYS_HEADER_BYTES ? undefined : pastIn(message.headers)
}

/** What a call that was moved has brought along. */
export const pastIn = (headers: MsgHdrs | undefined): MovedCall.Past | undefined => {
  const text = headers?.get(MovedCall.HEADER) ?? ""
  return text === "" ? undefined : Option.getOrUndefined(MovedCall.decode(text))
}

const current = (delivery: Delivery): string => (delivery.renewal ?? delivery).replyTo

const nakIn = (delayMillis: number) => text.encode(`-NAK {"delay":${Math.ceil(delayMillis * 1e6)}}`)
