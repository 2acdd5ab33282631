/** While it is closed, functions and the receiver keep their answers to themselves. */
export class Gate {
  #open = Promise.resolve()
  #release: () => void = () => undefined

  close(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#open = promise
    this.#release = resolve
  }

  open(): void {
    this.#release()
  }

  passed(): Promise<void> {
    return this.#open
  }
}
