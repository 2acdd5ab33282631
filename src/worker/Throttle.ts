import { Effect, Latch } from "effect"
import type { Context, Event, Kind, Limiter, News } from "../domain/limiter/Limiter.ts"

/** One call on its way to the function. */
export interface Flight {
  /** What the limiter allows now. */
  readonly limiter: () => { readonly limit: number; readonly inFlight: number }
  readonly dispatched: () => void
  /** Times in seconds. */
  readonly answered: (kind: Kind, latency: number, retryAfter?: number) => void
  /** It is over; a call that left and was not answered was broken off by us. */
  readonly ended: () => void
}

/**
 * A function's limiter at work. The limiter is pure; here events happen to it, and here are the counts that it
 * decides by: calls that have left and are not answered, and calls that wait.
 */
export class Throttle<S = unknown> {
  readonly #now: () => number
  readonly #waiting: () => number
  #limiter: Limiter<S>
  #state: S
  #seq = 0
  #inFlight = 0
  /** rejected, and not yet where rejected calls wait */
  #rejected = 0
  #knewOfWork = false
  readonly #held = Latch.makeUnsafe()

  /**
   * @param now monotonic seconds
   * @param waiting calls that could leave if they were allowed to
   */
  constructor(limiter: Limiter<S>, now: () => number, waiting: () => number) {
    this.#now = now
    this.#waiting = waiting
    this.#limiter = limiter
    this.#state = limiter.initial(now())
  }

  /**
   * Goes on with the same limiter made with other options. It keeps what it knows: one that started anew would
   * wait until all that is in flight has come back. So what it allows may be above a bound that was lowered.
   */
  use(limiter: Limiter<S>): void {
    this.#limiter = limiter
  }

  /** How many calls may be on their way at once, those that are included. */
  get allowed(): number {
    return this.#inFlight + this.#limiter.room(this.#state, this.#now(), this.#context())
  }

  /** Calls that have left and are not answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Nothing may leave, and calls wait; unlike the short look at a function of which nothing is known yet. */
  get isClosed(): boolean {
    return this.limit === 0 && this.#context().waiting > 0
  }

  /** The limiter's own limit, 0 while the function is closed. */
  get limit(): number {
    return this.#limiter.limit(this.#state)
  }

  /** Calls wait that may not leave. */
  get holdsBack(): boolean {
    const context = this.#context()
    return context.waiting > 0 && this.#limiter.room(this.#state, this.#now(), context) === 0
  }

  /** Waits until `holdsBack`. */
  readonly whenHeldBack: Effect.Effect<void> = Effect.suspend(() => {
    if (this.holdsBack) return Effect.void
    this.#held.closeUnsafe()
    return this.#held.await
  })

  /** When `update` is due, seconds of the same clock; Infinity for never. */
  get wakeAt(): number {
    return this.#limiter.wakeAt(this.#state)
  }

  /** Gives the limiter the tick it asked for, and one when there is work again: with none it asked for none. */
  update(): void {
    const workIsNew = !this.#knewOfWork && this.#waiting() > 0
    if (workIsNew || this.#now() >= this.wakeAt) this.step({ _tag: "Tick" })
  }

  step(event: Event): void {
    const context = this.#context()
    this.#knewOfWork = context.waiting > 0
    this.#state = this.#limiter.step(this.#state, event, this.#now(), context)
    if (!this.#held.isOpen() && this.holdsBack) this.#held.openUnsafe()
  }

  /** What other workers should know now. */
  news(): Omit<News, "worker"> | undefined {
    return this.#limiter.news?.(this.#state, this.#now(), this.#context())
  }

  flight(): Flight {
    let seq: number | undefined
    let rejected = 0
    const answered: Flight["answered"] = (kind, latency, retryAfter) => {
      if (seq === undefined) return
      this.#inFlight--
      rejected = kind === "rejected" ? 1 : 0
      this.#rejected += rejected
      const asked = retryAfter === undefined ? {} : { retryAfter }
      this.step({ _tag: "Answered", seq, kind, latency, ...asked })
      seq = undefined
    }
    return {
      limiter: () => ({ limit: this.limit, inFlight: this.#inFlight }),
      dispatched: () => {
        seq = ++this.#seq
        this.#inFlight++
        this.step({ _tag: "Dispatched", seq })
      },
      answered,
      ended: () => {
        answered("cancelled", 0)
        this.#rejected -= rejected
        rejected = 0
      }
    }
  }

  #context(): Context {
    return { inFlight: this.#inFlight, waiting: this.#waiting() + this.#rejected }
  }
}
