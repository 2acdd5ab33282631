interface Planned {
  readonly time: number
  readonly order: number
  readonly action: () => void
}

const isBefore = (one: Planned, other: Planned): boolean =>
  one.time < other.time || (one.time === other.time && one.order < other.order)

/** What will happen, by time in seconds; what was planned first for the same instant happens first. */
export class Timeline {
  now = 0
  readonly #heap: Array<Planned> = []
  #planned = 0

  /** Plans an action for a time, at once when that is past. */
  at(time: number, action: () => void): void {
    this.#push({ time: Math.max(time, this.now), order: this.#planned++, action })
  }

  after(delay: number, action: () => void): void {
    this.at(this.now + delay, action)
  }

  /** Lets things happen until `isOver`, or until the time is `end`. */
  run(end: number, isOver: () => boolean): void {
    while (!isOver()) {
      const next = this.#heap[0]
      if (next === undefined || next.time > end) {
        this.now = Math.max(this.now, end)
        return
      }
      this.#pop()
      this.now = next.time
      next.action()
    }
  }

  #push(planned: Planned): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(planned)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !isBefore(planned, parent)) break
      heap[index] = parent
      index = above
    }
    heap[index] = planned
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      const left = heap[2 * index + 1]
      if (left === undefined) break
      const right = heap[2 * index + 2]
      const isRight = right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (!isBefore(child, last)) break
      heap[index] = child
      index = 2 * index + (isRight ? 2 : 1)
    }
    heap[index] = last
  }
}
