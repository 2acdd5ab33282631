import type { IdGenerator } from "@opentelemetry/sdk-trace-base"

/** As many as are written at once: one by one, the writing is most of what an id costs. */
const WORDS = 1_024

/**
 * Random ids of traces and steps. That of the next trace is known before the trace begins: whether it is sampled
 * is decided by it, and of most traces no span has to be made.
 */
export class TraceIds implements IdGenerator {
  readonly #words = new Uint32Array(WORDS)
  #digits = ""
  #used = 0
  nextTraceId = this.#take(32)

  generateTraceId = (): string => {
    const id = this.nextTraceId
    this.nextTraceId = this.#take(32)
    return id
  }

  generateSpanId = (): string => this.#take(16)

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
