import type { Call } from "./Call.ts"

/** The queue that all workers share: first in, first out, but what is given back goes first. */
export class CallQueue {
  readonly #arrived: Array<Call> = []
  readonly #givenBack: Array<Call> = []
  #taken = 0
  readonly #listeners: Array<() => void> = []
  #turn = 0

  get size(): number {
    return this.#arrived.length - this.#taken + this.#givenBack.length
  }

  /** Calls `listener` whenever there is more to take; who is asked first rotates, as pulls do. */
  onMore(listener: () => void): void {
    this.#listeners.push(listener)
  }

  add(calls: ReadonlyArray<Call>): void {
    this.#arrived.push(...calls)
    this.#tell()
  }

  giveBack(calls: ReadonlyArray<Call>): void {
    this.#givenBack.push(...calls)
    this.#tell()
  }

  take(): Call | undefined {
    if (this.size === 0) return undefined
    return this.#givenBack.shift() ?? this.#arrived[this.#taken++]
  }

  #tell(): void {
    const count = this.#listeners.length
    this.#turn++
    for (let index = 0; index < count; index++) this.#listeners[(this.#turn + index) % count]?.()
  }
}
