import { Clock, Duration, Effect } from "effect"
import type { Delivery } from "../queue/Delivery.ts"

/** The calls of one actor that are being worked on, kept from being delivered to somebody else meanwhile. */
export class RunningCalls {
  readonly #since = new Map<Delivery, number>()

  get size(): number {
    return this.#since.size
  }

  add(delivery: Delivery, nowMillis: number): void {
    this.#since.set(delivery, nowMillis)
  }

  delete(delivery: Delivery): void {
    this.#since.delete(delivery)
  }

  /**
   * Says "still working" for every call, for ever: one timer for all of them. A call younger than a period is
   * left out, so that short calls cost nothing; the longest silence is two periods, half of `ack_wait`.
   */
  keepAlive(ackWaitMillis: number): Effect.Effect<never> {
    const period = ackWaitMillis / 4
    return Effect.forever(
      Effect.gen({ self: this }, function* () {
        yield* Effect.sleep(Duration.millis(period))
        const now = yield* Clock.currentTimeMillis
        for (const [delivery, since] of this.#since) if (now - since >= period) delivery.working()
      })
    )
  }
}
