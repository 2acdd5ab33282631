import type { Event, Kind } from "../../src/domain/limiter/Limiter.ts"
import type { Call } from "./Call.ts"

/** One attempt that came back, as the worker saw it. */
export interface Answered {
  readonly time: number
  readonly worker: number
  readonly kind: Kind
  readonly latency: number
  readonly retryAfter?: number
}

/** A value that changes now and then. */
export interface Change {
  readonly time: number
  readonly value: number
}

interface Watched {
  inFlight: number
  peak: number
  limit: number
  steppedAt: number
  /** Retry-After asked for silence until then. */
  quietUntil: number
}

/** Remembers what happened in one run; `Measure.ts` makes numbers of it. */
export class Recorder {
  readonly answers: Array<Answered> = []
  readonly running: Array<Change> = []
  readonly capacity: Array<Change> = []
  readonly limits: Array<Change & { readonly worker: number }> = []
  /** The longest a call took from first being sent to its end, beyond its work. */
  longestDetour = 0
  longestWork = 0
  mostReplicas = 0
  mostInFlight = 0
  limitAbovePeak = 0
  loweredByFailure = 0
  early = 0
  readonly #workers: ReadonlyArray<Watched>
  readonly #withLimits: boolean
  #inFlight = 0

  constructor(workers: number, withLimits: boolean) {
    this.#withLimits = withLimits
    this.#workers = Array.from({ length: workers }, () => ({
      inFlight: 0,
      peak: 0,
      limit: 0,
      steppedAt: 0,
      quietUntil: 0
    }))
  }

  dispatched(time: number, worker: number): void {
    const watched = this.#workers[worker]
    if (watched === undefined) return
    if (watched.inFlight === 0 && time < watched.quietUntil) this.early++
    watched.peak = Math.max(watched.peak, ++watched.inFlight)
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight)
  }

  answered(answer: Answered): void {
    this.answers.push(answer)
    const watched = this.#workers[answer.worker]
    if (watched === undefined) return
    watched.inFlight--
    this.#inFlight--
    watched.quietUntil = Math.max(watched.quietUntil, answer.time + (answer.retryAfter ?? 0))
  }

  /** A worker's limiter was told something. */
  stepped(time: number, worker: number, event: Event, limit: number): void {
    const watched = this.#workers[worker]
    if (watched === undefined) return
    const isFailure = event._tag === "Answered" && event.kind === "neutral"
    if (isFailure && limit < watched.limit) this.loweredByFailure++
    // A limit counts once the calls it lets out at the same instant have left.
    if (time > watched.steppedAt)
      this.limitAbovePeak = Math.max(this.limitAbovePeak, watched.limit - watched.peak)
    watched.steppedAt = time
    if (this.#withLimits && limit !== watched.limit) this.limits.push({ time, worker, value: limit })
    watched.limit = limit
  }

  completed(call: Call, time: number): void {
    const detour = time - (call.firstSent ?? time) - call.work
    this.longestDetour = Math.max(this.longestDetour, detour)
    this.longestWork = Math.max(this.longestWork, call.work)
  }

  changed(time: number, running: number, capacity: number, replicas: number | undefined): void {
    if (this.running.at(-1)?.value !== running) this.running.push({ time, value: running })
    if (this.capacity.at(-1)?.value !== capacity) this.capacity.push({ time, value: capacity })
    this.mostReplicas = Math.max(this.mostReplicas, replicas ?? 0)
  }
}
