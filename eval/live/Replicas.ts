import type { Journal } from "./Journal.ts"

/** A replica that takes so many calls and no more. */
interface Replica {
  running: number
  readonly life: Journal["replicas"][number]
}

/** The ready replicas of a function, behind a balancer that picks the one with the fewest calls. */
export class Replicas {
  readonly #slots: number
  readonly #journal: Journal
  #ready: Array<Replica> = []

  constructor(slots: number, journal: Journal) {
    this.#slots = slots
    this.#journal = journal
  }

  get count(): number {
    return this.#ready.length
  }

  get running(): number {
    return this.#ready.reduce((sum, { running }) => sum + running, 0)
  }

  /** The most calls in flight at once from then (milliseconds) to now. */
  mostRunningSince(then: number): number {
    const { running } = this.#journal
    let most = 0
    for (let index = running.length - 1; index >= 0; index--) {
      const [at = 0, calls = 0] = running[index] ?? []
      most = Math.max(most, calls)
      // What was in flight at `then` came with the change before it.
      if (at <= then) break
    }
    return most
  }

  /** One more is ready. */
  add(): void {
    const life = { readyAt: Date.now(), goneAt: Number.POSITIVE_INFINITY }
    this.#journal.replicas.push(life)
    this.#ready.push({ running: 0, life })
  }

  /** Takes away up to so many, idle ones only; none for a count below 1. */
  removeIdle(count: number): void {
    const idle = this.#ready.filter(({ running }) => running === 0)
    for (const replica of idle.slice(0, Math.max(0, count))) {
      replica.life.goneAt = Date.now()
      this.#ready = this.#ready.filter((other) => other !== replica)
    }
  }

  /** The replica that has taken a call; undefined when all are full. */
  take(): Replica | undefined {
    const [least] = this.#ready.toSorted((a, b) => a.running - b.running)
    if (least === undefined || least.running >= this.#slots) return undefined
    this.#change(least, 1)
    return least
  }

  release(replica: Replica): void {
    this.#change(replica, -1)
  }

  #change(replica: Replica, by: number): void {
    replica.running += by
    this.#journal.worst = Math.max(this.#journal.worst, replica.running)
    this.#journal.running.push([Date.now(), this.running])
  }
}
