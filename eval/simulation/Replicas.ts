import type { ReplicaPlan } from "../scenarios/Scenario.ts"
import { type Backend, Listeners } from "./Backend.ts"
import type { Call, Reply } from "./Call.ts"
import { type Random, around } from "./Random.ts"
import type { Timeline } from "./Timeline.ts"

/** Replicas with a hard limit each, behind a balancer. Calls on a replica that leaves are finished. */
export class Replicas implements Backend {
  running = 0
  replicas: number
  readonly #timeline: Timeline
  readonly #plan: ReplicaPlan
  readonly #placing: Random
  readonly #rejecting: Random
  /** Calls on each replica; only random placement needs to know. */
  readonly #load: Array<number> = []
  readonly #changed = new Listeners()

  constructor(timeline: Timeline, plan: ReplicaPlan, placing: Random, rejecting: Random) {
    this.#timeline = timeline
    this.#plan = plan
    this.#placing = placing
    this.#rejecting = rejecting
    this.replicas = plan.schedule[0]?.count ?? 0
    for (const { at, count } of plan.schedule) {
      if (at > 0) timeline.at(at, () => this.resize(count))
    }
  }

  get capacity(): number {
    return this.replicas * this.#plan.slots
  }

  onChange(listener: () => void): void {
    this.#changed.add(listener)
  }

  resize(replicas: number): void {
    this.replicas = replicas
    this.#changed.tell()
  }

  offer(call: Call, reply: (reply: Reply) => void): void {
    const place = this.#place()
    if (place === undefined) {
      const { rejectLatency, retryAfter } = this.#plan
      this.#timeline.after(rejectLatency * around(this.#rejecting, 0.3), () =>
        reply(retryAfter === undefined ? { kind: "rejected" } : { kind: "rejected", retryAfter })
      )
      return
    }
    this.#occupy(place, 1)
    this.#timeline.after(call.work, () => {
      this.#occupy(place, -1)
      const hasFailed = call.failuresLeft > 0
      if (hasFailed) call.failuresLeft--
      reply({ kind: hasFailed ? "neutral" : "success" })
    })
  }

  /** The replica that takes the next call; `undefined` is a rejection. */
  #place(): number | undefined {
    if (this.#plan.placement === "pooled") return this.running < this.capacity ? 0 : undefined
    const picked = Math.floor(this.#placing() * this.replicas)
    return this.replicas > 0 && (this.#load[picked] ?? 0) < this.#plan.slots ? picked : undefined
  }

  #occupy(replica: number, by: number): void {
    this.running += by
    this.#load[replica] = (this.#load[replica] ?? 0) + by
    this.#changed.tell()
  }
}
