import { Data } from "effect"

/**
 * What can go wrong at the JetStream border.
 * - `stream-gone`: the queue's stream does not exist (an operator deleted it)
 * - `unavailable`: no answer in time, no connection, or the other scaling mode is in the way; the same request may
 *   work later
 * - `refused`: the server said no; `detail` has its words
 * - `too-large`: it would refuse the message for ever
 */
export class QueueError extends Data.TaggedError("QueueError")<{
  readonly reason: "stream-gone" | "unavailable" | "refused" | "too-large"
  readonly detail: string
}> {
  override get message(): string {
    return this.detail
  }
}

/** A setting of the server's side that would lose calls or keep us out; people have to change it. */
export class QueueMisconfigured extends Data.TaggedError("QueueMisconfigured")<{
  readonly message: string
}> {}

/**
 * Why a call was not accepted by the queue.
 * - `not-confirmed`: it may have been stored all the same
 * - `forbidden`: the user that we connect as may not publish there
 * - `no-queue`: there is none that could take it without losing it
 */
export class PublishError extends Data.TaggedError("PublishError")<{
  readonly reason: "not-connected" | "not-confirmed" | "forbidden" | "queue-full" | "too-large" | "no-queue"
  readonly detail: string
}> {
  override get message(): string {
    return this.detail
  }
}
