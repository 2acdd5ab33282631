import { Context, type Effect, type Scope } from "effect"
import type { Lane } from "../domain/Lane.ts"
import type { Delivery } from "./Delivery.ts"
import type { QueueError } from "./QueueError.ts"

/** What an actor is told while it pulls. Called synchronously, in the order of arrival. */
export interface PullHandlers {
  /** A call has arrived. */
  readonly delivered: (delivery: Delivery) => void
  /**
   * The open request is over; what it asked for and has not come will not come. `empty`: it was filled, or
   * nothing more is waiting. `broken`: no answer, a cut connection, or the consumer is gone; see `prepare`.
   */
  readonly ended: (reason: "empty" | "broken") => void
}

/** The waiting calls of one lane. What asks the server waits for one that does not answer. */
export interface CallSource {
  /**
   * Asks for `count` calls; at most one request may be open. Without `waitMillis` the server answers at
   * once with what is there; with it, it waits that long for the first call.
   */
  readonly ask: (count: number, waitMillis: number) => void
  /**
   * Makes the lane's consumer on the server, or brings it up to date; to be done before the first request,
   * and after one that ended `broken`.
   */
  readonly prepare: Effect.Effect<void, QueueError>
  /** Calls that are stored and not finished: waiting, delayed, or running anywhere. */
  readonly unfinished: Effect.Effect<number, QueueError>
}

/** Where actors get their calls from. */
export class CallSources extends Context.Service<
  CallSources,
  {
    readonly open: (lane: Lane, handlers: PullHandlers) => Effect.Effect<CallSource, never, Scope.Scope>
  }
>()("sluice/queue/CallSources") {}
