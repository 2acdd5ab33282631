import type { Lane } from "./Lane.ts"
import * as StreamCreation from "./StreamCreation.ts"

/**
 * The bare subject of a queue, where older OpenFaaS publishers put the calls of all functions. Function mode has
 * no use for them there and moves each to its function's subject.
 */
export const of = (queue: string): Lane => ({
  // Without a dot, which the key of every function has.
  key: queue,
  subject: queue,
  // One "=": a function's consumer has two.
  consumerName: (streamCreated) => `legacy=${StreamCreation.token(streamCreated)}`
})
