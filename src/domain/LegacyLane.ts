import type { Lane } from "./Lane.ts"
import * as StreamCreation from "./StreamCreation.ts"

/**
 * A worker that dies between storing a call anew and settling it: the next one must come while the stream still
 * remembers the message id, for which `ack_wait` may be too long.
 */
export const LONGEST_ACK_WAIT_MILLIS = 10_000

/**
 * The bare subject of a queue, where older OpenFaaS publishers put the calls of all functions. Function mode has
 * no use for them there and moves each to its function's subject.
 */
export const of = (queue: string): Lane => ({
  // Without a dot, which the key of every function has.
  key: queue,
  subject: queue,
  // One "=": a function's consumer has two.
  consumerName: (streamCreated) => `legacy=${StreamCreation.token(streamCreated)}`,
  longestAckWaitMillis: LONGEST_ACK_WAIT_MILLIS
})
