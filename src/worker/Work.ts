import * as Call from "../domain/Call.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import type { Delivery } from "../queue/Delivery.ts"
import type { Span } from "../telemetry/Span.ts"

/** A delivery with what is known of it. */
export interface Work {
  readonly fn: FunctionName.FunctionName
  readonly delivery: Delivery
  /** undefined when the message cannot be decoded */
  readonly call: Call.Call | undefined
  /** which attempt this is, from 1 */
  readonly attempt: number
  /** see `Progress` */
  readonly stuck: () => void
  /** the step of its trace that this is */
  readonly span: Span
}

/** What log lines say about it. */
export const logFields = (work: Work): Record<string, unknown> => ({
  function: FunctionName.key(work.fn),
  call_id: work.call === undefined ? undefined : Call.callId(work.call),
  sequence: work.delivery.streamSequence,
  attempt: work.attempt,
  trace_id: work.span.traceId
})
