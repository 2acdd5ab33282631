import type { Nats } from "./Nats.ts"

/**
 * What stays free below the server's `max_payload`: a dead letter is the message untouched, plus headers that
 * say why.
 */
const DEAD_LETTER_HEADERS_BYTES = 4096
/** What a server allows that is not told otherwise. */
const DEFAULT_MAX_PAYLOAD = 1_048_576

/** The largest message, in bytes, that can be stored and can become a dead letter. */
export const of = ({ connection }: Nats["Service"]): (() => number) => {
  let maxPayload = DEFAULT_MAX_PAYLOAD
  return () => {
    // The client does not know it while it is disconnected; nothing is too large only because of that.
    maxPayload = connection.info?.max_payload ?? maxPayload
    return maxPayload - DEAD_LETTER_HEADERS_BYTES
  }
}
