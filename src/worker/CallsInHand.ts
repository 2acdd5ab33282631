import { Clock, Duration, Effect } from "effect"
import type { Delivery } from "../queue/Delivery.ts"

/**
 * The calls that an actor has and has not settled: running ones, and held ones, which their function had no
 * room for and which go out first when it has. All of them are kept from being delivered to somebody else.
 */
export class CallsInHand {
  /**
   * By their sequences in the stream. Not a `Map`: the tables that it has outgrown keep the calls that were in them
   * until the next full garbage collection.
   */
  readonly #calls: Record<number, { readonly delivery: Delivery; readonly since: number }> = {}
  readonly #held: Array<Delivery> = []
  readonly #handBack: (delivery: Delivery) => Effect.Effect<unknown>

  /** @param handBack gives a call back to the queue */
  constructor(handBack: (delivery: Delivery) => Effect.Effect<unknown>) {
    this.#handBack = handBack
  }

  get held(): number {
    return this.#held.length
  }

  /**
   * Takes in a call that has come. False when it is here already: the server gave up waiting for it, while this
   * process was stopped for instance, or another consumer delivers it. Executed twice it would be twice as much
   * for its function, so what the first delivery leads to is said about this one.
   */
  add(delivery: Delivery, nowMillis: number): boolean {
    const known = this.#calls[delivery.streamSequence]?.delivery
    if (known !== undefined && !known.settled() && known.acceptedMillis === delivery.acceptedMillis) {
      known.renewal = delivery
      return false
    }
    this.#calls[delivery.streamSequence] = { delivery, since: nowMillis }
    return true
  }

  /** It is settled. */
  delete(delivery: Delivery): void {
    if (this.#calls[delivery.streamSequence]?.delivery === delivery) {
      delete this.#calls[delivery.streamSequence]
    }
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
        for (const { delivery, since } of Object.values(this.#calls)) {
          if (now - since >= period) delivery.working()
        }
      })
    )
  }
}
