import type { CorePlan } from "../scenarios/Scenario.ts"
import { type Backend, Listeners } from "./Backend.ts"
import type { Call, Reply } from "./Call.ts"
import type { Timeline } from "./Timeline.ts"

interface Job {
  /** The progress at which its work is done. */
  readonly doneAt: number
  readonly reply: (reply: Reply) => void
}

/**
 * Cores shared by all calls. Every call runs at the same speed, so one number, the progress a call made that
 * has been there from the start, orders all endings.
 */
export class Cores implements Backend {
  capacity: number
  readonly replicas = undefined
  readonly #timeline: Timeline
  readonly #thrash: number
  #jobs: Array<Job> = []
  #progress = 0
  #progressAt = 0
  #generation = 0
  readonly #changed = new Listeners()

  constructor(timeline: Timeline, plan: CorePlan) {
    this.#timeline = timeline
    this.#thrash = plan.thrash
    this.capacity = plan.schedule[0]?.count ?? 0
    for (const { at, count } of plan.schedule) {
      if (at > 0) timeline.at(at, () => this.#change(() => (this.capacity = count)))
    }
  }

  get running(): number {
    return this.#jobs.length
  }

  onChange(listener: () => void): void {
    this.#changed.add(listener)
  }

  offer(call: Call, reply: (reply: Reply) => void): void {
    this.#change(() => this.#insert({ doneAt: this.#progress + call.work, reply }))
  }

  /** How much of a second's work a call does in a second. */
  #speed(): number {
    return this.running <= this.capacity ? 1 : (this.capacity / this.running) ** this.#thrash
  }

  #insert(job: Job): void {
    let low = 0
    let high = this.#jobs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#jobs[middle]?.doneAt ?? 0) >= job.doneAt) low = middle + 1
      else high = middle
    }
    this.#jobs.splice(low, 0, job)
  }

  #change(apply: () => void): void {
    const now = this.#timeline.now
    this.#progress += (now - this.#progressAt) * this.#speed()
    this.#progressAt = now
    apply()
    this.#planNextEnding()
    this.#changed.tell()
  }

  #planNextEnding(): void {
    const generation = ++this.#generation
    const next = this.#jobs.at(-1)
    const speed = this.#speed()
    if (next === undefined || speed === 0) return
    this.#timeline.after(Math.max(0, next.doneAt - this.#progress) / speed, () => {
      // Somebody came or went since; this ending was planned anew.
      if (generation !== this.#generation) return
      this.#change(() => this.#jobs.pop())
      next.reply({ kind: "success" })
    })
  }
}
