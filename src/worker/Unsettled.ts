import { Effect } from "effect"
import type { Delivery } from "../queue/Delivery.ts"
import type { QueueError } from "../queue/QueueError.ts"
import type { GiveBack } from "./GiveBack.ts"
import type { Settled } from "./Settled.ts"

/** How long a call waits when something can never be stored, or when we have failed ourselves. */
const TROUBLE_DELAY_MILLIS = 5_000

/** What a log line says about a delivery. Whoever processes it replaces that when he knows more. */
export interface Known {
  fields: () => Readonly<Record<string, unknown>>
}

/** Ends every way of processing a delivery: what could not be settled goes back to the queue. */
export const orGiveBack = (giveBack: GiveBack["Service"], delivery: Delivery, known: Known) => {
  const keep = (why: unknown) =>
    Effect.logError(
      "a call could not be settled, it stays in the queue",
      { ...known.fields(), sequence: delivery.streamSequence },
      why
    ).pipe(Effect.andThen(giveBack.handBack(delivery, TROUBLE_DELAY_MILLIS)))

  return (processing: Effect.Effect<Settled, QueueError>): Effect.Effect<Settled> =>
    processing.pipe(
      Effect.catch((error) => keep({ reason: error.detail })),
      Effect.catchCause(keep),
      // Another worker may have it at once.
      Effect.onInterrupt(() => giveBack.leave(delivery))
    )
}
