import { Permits } from "./Permits.ts"
import type { SlotMember, Slots } from "./Slots.ts"

/**
 * The exact account of one actor: what it has been granted, has asked for and is running never exceeds its
 * limit, and every grant is a slot of the worker's. Permit and slot are taken before a call is asked for, and
 * come back when it is settled or will not come. A call that was rejected is held by the actor without either,
 * until it gets them again. One that is stuck with a result that cannot be stored keeps its permit, leaves its
 * slot to others, and stops the window from asking.
 *
 *   granted ─ask→ asked ─delivered→ running ─settled─▶ free
 *      │            └──────ended──────────────────────▶ free
 *      └─resume (a held call)─────▶ running
 */
export class PullWindow {
  readonly #permits = new Permits(0)
  readonly #slots: SlotMember
  readonly #changed: () => void
  #granted = 0
  #asked = 0
  #running = 0
  #stuck = 0
  /** of the stuck ones, those whose slot is with others */
  #parked = 0

  /** @param changed is called when it is worth another turn. */
  constructor(slots: Slots, changed: () => void) {
    this.#changed = changed
    this.#slots = slots.join((count) => this.#receive(count))
  }

  get running(): number {
    return this.#running
  }

  /** Of the open request, still to come. */
  get asked(): number {
    return this.#asked
  }

  /** Permits in hand, asked for or running. */
  get taken(): number {
    return this.#permits.taken
  }

  /** Nothing in hand, nothing on the way, nothing running. */
  get idle(): boolean {
    return this.#permits.taken === 0
  }

  /** Brings the window to the limit, and what it has in hand to what is wanted; says how much that is. */
  claim(limit: number, wanted: number): number {
    this.#permits.resize(limit)
    this.#giveBack(Math.min(this.#granted, this.#permits.overdrawn))
    const more = (this.#stuck > 0 ? 0 : wanted) - this.#granted
    this.#slots.want(Math.min(this.#permits.free, Math.max(0, more)))
    // What was granted for calls that are not there any more.
    this.#giveBack(Math.max(0, -more))
    return this.#granted
  }

  /** Turns what is in hand into a request for so many calls, which the caller sends at once. */
  ask(): number {
    if (this.#asked > 0) return 0
    this.#asked = this.#granted
    this.#granted = 0
    return this.#asked
  }

  /** A held call goes out again. */
  resume(): void {
    this.#granted--
    this.#running++
  }

  /** Wants nothing more, and gives back what is in hand. */
  stop(): void {
    this.#slots.want(0)
    this.#giveBack(this.#granted)
  }

  /** A call has come. False when it was not asked for: nobody keeps a permit for it. */
  delivered(): boolean {
    if (this.#asked === 0) return false
    this.#asked--
    this.#running++
    return true
  }

  /** A running call has a result that cannot be stored. */
  stuck(): void {
    this.#stuck++
    if (this.#slots.park()) this.#parked++
    this.#changed()
  }

  /** A running call is settled, or held. */
  settled(wasStuck = false): void {
    this.#running--
    if (wasStuck) this.#stuck--
    if (!wasStuck || this.#parked === 0) return this.#free(1)
    this.#parked--
    this.#slots.unpark()
    this.#permits.release(1)
    this.#changed()
  }

  /** The request is over; what has not come will not come. */
  ended(): void {
    const unfilled = this.#asked
    this.#asked = 0
    this.#free(unfilled)
  }

  /** Gives up the slots for good. */
  leave(): void {
    this.#slots.leave()
  }

  #receive(count: number): void {
    const got = this.#permits.take(count)
    this.#granted += got
    if (got < count) this.#slots.release(count - got)
    this.#changed()
  }

  #giveBack(count: number): void {
    if (count === 0) return
    this.#granted -= count
    this.#free(count)
  }

  #free(count: number): void {
    this.#permits.release(count)
    this.#slots.release(count)
    // Under load a request is nearly always open; its end looks at everything that came free meanwhile.
    if (this.#asked === 0) this.#changed()
  }
}
