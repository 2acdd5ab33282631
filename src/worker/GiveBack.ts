import { Clock, Context, Effect, Layer } from "effect"
import * as AttemptRecord from "../domain/AttemptRecord.ts"
import type { Delivery } from "../queue/Delivery.ts"
import { lastly } from "../queue/LastWords.ts"
import { Ledger } from "../queue/Ledger.ts"

/** The call is in the queue again, to be delivered after the delay. */
export interface GivenBack {
  readonly _tag: "GivenBack"
  readonly delayMillis: number
}

const withLastWords = (giving: Effect.Effect<GivenBack>) => Effect.onInterrupt(giving, () => lastly(giving))

/**
 * The way of unfinished calls back to the queue; the only place where a delivery is given back. The ledger comes
 * first, confirmed: a delivery that ends without a word counts as one that took its worker down. While the ledger
 * cannot be written the delivery stays ours; at the end of the process it is left to `ack_wait`.
 */
export class GiveBack extends Context.Service<
  GiveBack,
  {
    /** After a failed attempt, to be tried again. */
    readonly retry: (
      delivery: Delivery,
      status: number | undefined,
      delayMillis: number
    ) => Effect.Effect<GivenBack>
    /** Without blame and without an attempt; it waits for what is left of its own delay in any case. */
    readonly handBack: (delivery: Delivery, delayMillis?: number) => Effect.Effect<GivenBack>
    /** The same at the end of the process, which waits for it a moment only. */
    readonly leave: (delivery: Delivery) => Effect.Effect<void>
  }
>()("sluice/worker/GiveBack") {
  static readonly layer = Layer.effect(
    GiveBack,
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()

      const giveBack = (
        delivery: Delivery,
        change: AttemptRecord.Change,
        delayOf: (record: AttemptRecord.AttemptRecord) => number
      ) =>
        Effect.map(ledger.write(delivery, change), (record): GivenBack => {
          const delayMillis = delayOf(record)
          // Somebody has it already when this delivery went on for longer than `ack_wait`: not ours to hand out.
          if (AttemptRecord.belongsTo(record, delivery)) delivery.nak(delayMillis)
          return { _tag: "GivenBack", delayMillis }
        })

      const handBack = (delivery: Delivery, delayMillis: number) => {
        const notBefore = delayMillis > 0 ? now() + delayMillis : 0
        const remaining = (record: AttemptRecord.AttemptRecord) => Math.max(0, record.notBefore - now())
        return giveBack(delivery, AttemptRecord.handBack(notBefore), remaining)
      }

      return GiveBack.of({
        retry: (delivery, status, delayMillis) => {
          const change = AttemptRecord.fail(status, now() + delayMillis)
          return withLastWords(giveBack(delivery, change, () => delayMillis))
        },
        handBack: (delivery, delayMillis = 0) =>
          Effect.suspend(() => withLastWords(handBack(delivery, delayMillis))),
        leave: (delivery) =>
          Effect.suspend(() =>
            delivery.settled() ? Effect.void : Effect.asVoid(lastly(handBack(delivery, 0)))
          )
      })
    })
  )
}
