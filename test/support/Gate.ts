/** Holds whoever comes until it is let through; a test opens it when it has seen what it wanted to see. */
export class Gate {
  #waiting: Array<() => void> = []
  #open = false

  /** How many are held now. */
  get held(): number {
    return this.#waiting.length
  }

  /** Resolves when this one is let through; at once when the gate is open. */
  pass(): Promise<void> {
    return this.#open ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Lets the `count` longest waiting through; later ones are still held. */
  release(count = this.#waiting.length): void {
    this.#waiting.splice(0, count).forEach((pass) => pass())
  }

  /** Lets everyone through, now and later. */
  open(): void {
    this.#open = true
    this.release()
  }

  /** Holds those who come from now on. */
  close(): void {
    this.#open = false
  }
}
