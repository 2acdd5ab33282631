/** As many as are written at once: one by one, the writing is most of what an id costs. */
const WORDS = 1_024

/** Random ids of traces and steps, in hex. */
export class TraceIds {
  readonly #words = new Uint32Array(WORDS)
  #digits = ""
  #used = 0

  nextTraceId(): string {
    return this.#take(32)
  }

  nextSpanId(): string {
    return this.#take(16)
  }

  #take(count: number): string {
    if (this.#used + count > this.#digits.length) {
      for (let index = 0; index < WORDS; index++) this.#words[index] = Math.random() * 2 ** 32
      this.#digits = Buffer.from(this.#words.buffer).toString("hex")
      this.#used = 0
    }
    this.#used += count
    return this.#digits.slice(this.#used - count, this.#used)
  }
}
