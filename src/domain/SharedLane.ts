import { EVERYTHING, type Lane } from "./Lane.ts"
import * as StreamCreation from "./StreamCreation.ts"

/** Static mode's lane: all calls of the queue in their order, whatever their subject. */
export const of = (queue: string): Lane => ({ key: queue, subject: EVERYTHING, consumerName })

/** OpenFaaS's name for it, with the stream's creation. */
export const consumerName = (streamCreated: string): string =>
  `faas-workers=${StreamCreation.token(streamCreated)}`
