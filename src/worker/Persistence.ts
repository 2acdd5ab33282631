import { Effect, Schedule } from "effect"
import type { QueueError } from "../queue/QueueError.ts"

const again = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("5 seconds")])

/** Does what cannot be done now again and again until it is done; it fails when it can never be done. */
export type Persist = <A>(what: Effect.Effect<A, QueueError>) => Effect.Effect<A, QueueError>

/**
 * For what must be stored before a delivery may be settled. Giving the delivery back instead would do its work
 * once more, and more of it would not help a server that takes nothing.
 *
 * @param stuck is called when it cannot be stored at once
 * @param fields what log lines say about the delivery
 */
export const persist =
  (stuck: () => void, fields: Readonly<Record<string, unknown>>): Persist =>
  (what) =>
    Effect.catch(what, (error) => {
      if (isFinal(error)) return Effect.fail(error)
      stuck()
      return Effect.logWarning("a result cannot be stored, it is kept here until it can", {
        ...fields,
        reason: error.detail
      }).pipe(
        Effect.andThen(Effect.retry(what, { schedule: again, while: (error) => !isFinal(error) })),
        Effect.tap(() => Effect.logInfo("a result that was kept is stored", fields))
      )
    })

const isFinal = (error: QueueError): boolean => error.reason === "too-large"
