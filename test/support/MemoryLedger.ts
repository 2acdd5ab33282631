import { Effect, Layer } from "effect"
import type { AttemptRecord } from "../../src/domain/AttemptRecord.ts"
import { Ledger } from "../../src/queue/Ledger.ts"

/** A ledger without a server. */
export const layer = Layer.sync(Ledger, () => {
  const records = new Map<number, AttemptRecord>()
  return Ledger.of({
    restore: () => Effect.void,
    read: ({ streamSequence }) => Effect.sync(() => records.get(streamSequence)),
    write: (delivery, change) =>
      Effect.sync(() => {
        const record = { ...change(records.get(delivery.streamSequence), delivery), write: "" }
        records.set(delivery.streamSequence, record)
        return record
      }),
    hasEntry: ({ streamSequence }) => records.has(streamSequence),
    forget: ({ streamSequence }, gone) => {
      gone.then((isGone) => isGone && records.delete(streamSequence))
    }
  })
})
