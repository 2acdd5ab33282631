const CLEAR_LINE = "\r\u001b[K"
const PLAIN_INTERVAL_MILLIS = 1_000

/** Where the demo talks to people: lines of text that stay, and one that shows how far it is. */
export class Screen {
  readonly #terminal = process.stderr.isTTY === true
  readonly #colours =
    process.stdout.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb"
  #progressShown = false
  #lastPlainAt = Number.NEGATIVE_INFINITY

  /** Lines on stdout, where a program's results belong. */
  print(text: string): void {
    this.clear()
    process.stdout.write(`${text}\n`)
  }

  /** A line on stderr, for what is no result. */
  note(text: string): void {
    this.clear()
    process.stderr.write(`${text}\n`)
  }

  /** On a terminal a line that is written over again and again, elsewhere a line a second. */
  progress(text: string, nowMillis: number): void {
    if (this.#terminal) {
      // A line that wraps could not be written over.
      process.stderr.write(CLEAR_LINE + text.slice(0, (process.stderr.columns || 80) - 1))
      this.#progressShown = true
    } else if (nowMillis - this.#lastPlainAt >= PLAIN_INTERVAL_MILLIS) {
      this.#lastPlainAt = nowMillis
      process.stderr.write(`${text}\n`)
    }
  }

  /** Takes the line of progress away. */
  clear(): void {
    if (this.#progressShown) process.stderr.write(CLEAR_LINE)
    this.#progressShown = false
  }

  readonly bold = (text: string): string => this.#paint("1", text)
  readonly dim = (text: string): string => this.#paint("2", text)
  readonly good = (text: string): string => this.#paint("32", text)
  readonly bad = (text: string): string => this.#paint("31", text)

  #paint(code: string, text: string): string {
    return this.#colours ? `\u001b[${code}m${text}\u001b[0m` : text
  }
}
