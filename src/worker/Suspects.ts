import { Clock, Context, Duration, Effect, Layer } from "effect"
import * as AttemptRecord from "../domain/AttemptRecord.ts"
import type { Delivery } from "../queue/Delivery.ts"
import { Ledger } from "../queue/Ledger.ts"
import { GiveBack, type GivenBack } from "./GiveBack.ts"
import { Quarantine } from "./Quarantine.ts"

/** How long a suspect may wait here, with permit and slot, before it makes room; and for how long then. */
const PATIENCE_MILLIS = 1_000
const MAKE_ROOM_MILLIS = 1_000
const LOOK_EVERY = Duration.millis(20)

/** Calls that may have taken a worker down: before one is executed again the ledger says so, confirmed. */
export class Suspects extends Context.Service<
  Suspects,
  {
    /** Executes a suspect when its turn comes, or gives it back until there may be one. */
    readonly execute: <A extends { readonly _tag: string }, E>(
      delivery: Delivery,
      company: AttemptRecord.Company,
      execution: Effect.Effect<A, E>
    ) => Effect.Effect<A | GivenBack, E>
  }
>()("sluice/worker/Suspects") {
  static readonly layer = Layer.effect(
    Suspects,
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const giveBack = yield* GiveBack
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()
      const quarantine = new Quarantine<Delivery>()

      const enter = Effect.fnUntraced(function* (delivery: Delivery, company: AttemptRecord.Company) {
        const giveUpAt = now() + PATIENCE_MILLIS
        while (!quarantine.enter(delivery, company, now())) {
          if (now() >= giveUpAt) return false
          yield* Effect.sleep(LOOK_EVERY)
        }
        return true
      })

      return Suspects.of({
        execute: (delivery, company, execution) =>
          Effect.gen(function* () {
            if (!(yield* enter(delivery, company)))
              return yield* giveBack.handBack(delivery, MAKE_ROOM_MILLIS)
            yield* ledger.write(delivery, AttemptRecord.begin(company))
            const settled = yield* execution
            // It only waits from now on, and takes nobody down by that.
            if (settled._tag === "Held") yield* ledger.write(delivery, AttemptRecord.handBack(0))
            return settled
          }).pipe(Effect.ensuring(Effect.sync(() => quarantine.leave(delivery))))
      })
    })
  )
}
