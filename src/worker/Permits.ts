/**
 * A resizable semaphore for one function: how many of its calls may be asked for, pulled or running. It never
 * waits: the actor takes what is free and asks again when something came back. (Effect's own `Semaphore` can
 * be resized too, but it queues fibers and does not tell how many permits are free, which is what a pull needs
 * to know.) Shrinking interrupts nobody; permits come back as calls end.
 */
export class Permits {
  #limit: number
  #taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get limit(): number {
    return this.#limit
  }

  get taken(): number {
    return this.#taken
  }

  get free(): number {
    return Math.max(0, this.#limit - this.#taken)
  }

  /** By how much a shrunken limit is overdrawn. */
  get overdrawn(): number {
    return Math.max(0, this.#taken - this.#limit)
  }

  /** Takes up to `count` permits and says how many it got. */
  take(count: number): number {
    const got = Math.min(count, this.free)
    this.#taken += got
    return got
  }

  release(count: number): void {
    this.#taken -= count
  }

  resize(limit: number): void {
    this.#limit = limit
  }
}
