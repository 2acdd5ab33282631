import { Clock, Duration, Effect } from "effect"
import type { Delivery } from "../queue/Delivery.ts"

/**
 * The calls that an actor has and has not settled: running ones, and held ones, which their function had no
 * room for and which go out first when it has. All of them are kept from being delivered to somebody else.
 */
export class CallsInHand {
  readonly #since = new Map<Delivery, number>()
  readonly #held: Array<Delivery> = []
  readonly #handBack: (delivery: Delivery) => Effect.Effect<unknown>

  /** @param handBack gives a call back to the queue */
  constructor(handBack: (delivery: Delivery) => Effect.Effect<unknown>) {
    this.#handBack = handBack
  }

  get held(): number {
    return this.#held.length
  }

  add(delivery: Delivery, nowMillis: number): void {
    this.#since.set(delivery, nowMillis)
  }

  /** It is settled. */
  delete(delivery: Delivery): void {
    this.#since.delete(delivery)
  }

  /** Its function had no room. Later ones wait behind it, so that each gets its turn. */
  hold(delivery: Delivery): void {
    this.#held.push(delivery)
  }

  /** The next held call, which is running from now on. */
  resume(): Delivery | undefined {
    return this.#held.shift()
  }

  /** Gives all held calls back to the queue, where they are delivered before newer ones; says how many. */
  readonly giveBackHeld: Effect.Effect<number> = Effect.suspend(() => {
    const held = this.#held.splice(0)
    const giveBack = (delivery: Delivery) =>
      Effect.ensuring(
        this.#handBack(delivery),
        Effect.sync(() => this.delete(delivery))
      )
    return Effect.as(Effect.forEach(held, giveBack, { concurrency: "unbounded", discard: true }), held.length)
  })

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
