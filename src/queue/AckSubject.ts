/**
 * What JetStream says about a delivery, in the subject it wants the acknowledgement on (NATS ADR-15).
 * nats.js has this parser but does not export it.
 *
 *   $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time ns>.<pending>
 *   $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time ns>.<pending>[.<token>]
 */
export interface DeliveryInfo {
  /** 1 for the first delivery; rises with every redelivery by this consumer */
  readonly deliveryCount: number
  readonly streamSequence: number
  /** when the call was stored, milliseconds since 1970 */
  readonly acceptedMillis: number
  /** calls of this consumer that were not delivered yet */
  readonly pending: number
}

const SHORT_FORM = 9

/** Undefined when the subject is no acknowledgement subject of JetStream. */
export const parse = (subject: string): DeliveryInfo | undefined => {
  const tokens = subject.split(".")
  const at = tokens.length === SHORT_FORM ? 4 : 6
  if (tokens.length < SHORT_FORM || tokens[0] !== "$JS" || tokens[1] !== "ACK") return undefined
  const numberAt = (index: number) => Number(tokens[index])
  const info = {
    deliveryCount: numberAt(at),
    streamSequence: numberAt(at + 1),
    acceptedMillis: numberAt(at + 3) / 1e6,
    pending: numberAt(at + 4)
  }
  return Number.isNaN(info.deliveryCount + info.streamSequence + info.acceptedMillis + info.pending)
    ? undefined
    : info
}
