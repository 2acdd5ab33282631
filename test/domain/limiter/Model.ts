import type { Context, Event, Kind, Limiter, News } from "../../../src/domain/limiter/Limiter.ts"
import { pace } from "../../../src/domain/limiter/Pace.ts"
import * as Random from "../../../src/domain/limiter/Random.ts"
import { defaults, type Options, type State } from "../../../src/domain/limiter/State.ts"

/** What a function does with a call. Times in seconds. */
export interface Plant {
  /** Calls at once, of all replicas together. */
  readonly capacity: number
  /** Each call goes to one of so many replicas at random; 1: only a full function rejects. */
  readonly replicas: number
  readonly service: number
  readonly rejection: number
}

export type Command =
  /** Time goes by: the function answers, room is used, ticks come when asked for. */
  | { readonly _tag: "Serve"; readonly seconds: number }
  /** Calls leave as room allows, but not more than `most`. */
  | { readonly _tag: "Dispatch"; readonly most: number }
  /** One of the calls in flight is answered, whatever the function would have said. */
  | {
      readonly _tag: "Respond"
      readonly which: number
      readonly kind: Kind
      readonly delay: number
      readonly retryAfter?: number
    }
  /** All calls in flight are answered at once. */
  | { readonly _tag: "RespondAll"; readonly kind: Kind }
  /** A call that was answered is answered again: nothing comes back by that. */
  | { readonly _tag: "Repeat"; readonly which: number; readonly kind: Kind }
  | { readonly _tag: "Tick" }
  | { readonly _tag: "Hint"; readonly replicas?: number }
  | { readonly _tag: "Gossip"; readonly news: News }
  | { readonly _tag: "SetCapacity"; readonly capacity: number }
  | { readonly _tag: "SetSpeed"; readonly service: number; readonly rejection: number }
  | { readonly _tag: "SetBacklog"; readonly waiting: number }
  /** The caller's clock is set forward or back. */
  | { readonly _tag: "Jump"; readonly seconds: number }

export interface Setup {
  readonly plant: Plant
  /** Calls in the queue. */
  readonly waiting: number
  readonly options?: Partial<Options>
  /** What the limiter knows already; none of its calls is in flight any more. */
  readonly start?: State | undefined
  /** What the function says to the next call and after how many seconds, where that is not the plant's way. */
  readonly says?: (model: Model) => { readonly kind: Kind; readonly takes: number }
}

/** One step of the limiter, as the caller sees it. */
export interface Step {
  readonly before: State
  /** `before`, with its round ended if that was due. */
  readonly settled: State
  readonly event: Event
  /** In the limiter's seconds. */
  readonly time: number
  /** In the caller's seconds. */
  readonly now: number
  readonly context: Context
  readonly after: State
}

interface Call {
  readonly seq: number
  readonly sentAt: number
  readonly replica: number
  readonly kind: Kind
  readonly answerAt: number
}

/** So many ticks without any time between them are a limiter that spins. */
const SPIN = 100

/** One worker, one function and its queue. `watch` sees every step. */
export class Model {
  readonly limiter: Limiter<State>
  readonly options: Options
  plant: Plant
  waiting: number
  state: State
  /** Seconds since the start, which no jump of the caller's clock changes. */
  elapsed = 0
  calls: ReadonlyArray<Call> = []
  answered: ReadonlyArray<Call> = []
  dispatches = 0
  answers = 0
  private ahead = 0
  private last = 0
  private time = 0
  private random = Random.seeded(7)
  private spins = 0
  private readonly says: Setup["says"]
  private readonly watch: (step: Step) => void

  constructor(setup: Setup, watch: (step: Step) => void = () => {}) {
    this.options = { ...defaults, ...setup.options }
    this.limiter = pace(this.options)
    this.plant = setup.plant
    this.waiting = setup.waiting
    this.watch = watch
    this.says = setup.says
    this.elapsed = setup.start?.seen ?? 0
    this.last = this.elapsed
    this.time = this.elapsed
    this.state = setup.start ?? this.limiter.initial(this.now)
  }

  /** The caller's clock. */
  get now(): number {
    return this.elapsed + this.ahead
  }

  get context(): Context {
    return { inFlight: this.calls.length, waiting: this.waiting }
  }

  get room(): number {
    return this.limiter.room(this.state, this.now, this.context)
  }

  get limit(): number {
    return this.limiter.limit(this.state)
  }

  run(command: Command): void {
    switch (command._tag) {
      case "Serve":
        return this.serve(command.seconds)
      case "Dispatch":
        return this.dispatch(command.most)
      case "Respond": {
        const call = this.calls[command.which % this.calls.length]
        this.elapsed += command.delay
        return call === undefined ? undefined : this.respond(call, command.kind, command.retryAfter)
      }
      case "RespondAll":
        for (const call of this.calls) this.respond(call, command.kind)
        return
      case "Repeat": {
        const call = this.answered[command.which % this.answered.length]
        return call === undefined ? undefined : this.step(this.answer(call, command.kind))
      }
      case "Tick":
      case "Hint":
      case "Gossip":
        return this.step(command)
      case "SetCapacity":
        this.plant = { ...this.plant, capacity: command.capacity }
        return
      case "SetSpeed":
        this.plant = { ...this.plant, service: command.service, rejection: command.rejection }
        return
      case "SetBacklog":
        this.waiting = command.waiting
        return
      case "Jump":
        this.ahead += command.seconds
    }
  }

  /** The actor: takes all the room there is, and then the calls leave one after another. */
  dispatch(most = Number.POSITIVE_INFINITY): void {
    const leaving = Math.min(this.room, this.waiting, most)
    for (let left = 0; left < leaving; left++) {
      this.dispatches++
      this.waiting--
      this.calls = [...this.calls, this.send(this.state.seq + 1)]
      this.step({ _tag: "Dispatched", seq: this.state.seq + 1 })
    }
  }

  respond(call: Call, kind: Kind, retryAfter?: number): void {
    this.answers++
    this.calls = this.calls.filter(({ seq }) => seq !== call.seq)
    this.answered = [...this.answered.slice(-20), call]
    if (kind === "rejected") this.waiting++
    this.step(this.answer(call, kind, retryAfter))
  }

  serve(seconds: number): void {
    const end = this.elapsed + seconds
    for (;;) {
      while (Math.min(this.room, this.waiting) > 0) this.dispatch()
      const wakeAt = Math.max(this.elapsed, this.limiter.wakeAt(this.state) - this.ahead)
      const next = this.calls.reduce<Call | undefined>(
        (first, call) => (first === undefined || call.answerAt < first.answerAt ? call : first),
        undefined
      )
      const at = Math.min(wakeAt, next?.answerAt ?? Number.POSITIVE_INFINITY)
      if (at > end) break
      this.spins = at > this.elapsed ? 0 : this.spins + 1
      this.elapsed = Math.max(this.elapsed, at)
      if (next !== undefined && next.answerAt <= at) {
        this.spins = 0
        this.respond(next, next.kind)
      } else this.step({ _tag: "Tick" })
      if (this.spins > SPIN) throw new Error(`spins at ${this.now}: ${JSON.stringify(this.state)}`)
    }
    this.elapsed = end
  }

  step(event: Event): void {
    const { context, now } = this
    const before = this.state
    this.time += Math.max(0, now - this.last)
    this.last = now
    this.state = this.limiter.step(before, event, now, context)
    const settled = this.limiter.step(before, { _tag: "Tick" }, now, { ...context, waiting: 0 })
    this.watch({ before, settled, event, time: this.time, now, context, after: this.state })
  }

  private answer(call: Call, kind: Kind, retryAfter?: number): Event {
    const latency = this.elapsed - call.sentAt
    const answer = { _tag: "Answered" as const, seq: call.seq, kind, latency }
    return retryAfter === undefined ? answer : { ...answer, retryAfter }
  }

  private send(seq: number): Call {
    const replica = Math.floor(this.chance() * this.plant.replicas)
    const { kind, takes } = this.says?.(this) ?? this.plantSays(replica)
    return { seq, sentAt: this.elapsed, replica, kind, answerAt: this.elapsed + takes }
  }

  private plantSays(replica: number): { readonly kind: Kind; readonly takes: number } {
    const { capacity, rejection, replicas, service } = this.plant
    const taken = this.calls.filter((call) => call.kind === "success" && call.replica === replica).length
    const isFull = taken >= capacity / replicas
    const takes = (isFull ? rejection : service) * (0.9 + 0.2 * this.chance())
    return { kind: isFull ? "rejected" : "success", takes }
  }

  private chance(): number {
    this.random = Random.next(this.random)
    return Random.value(this.random)
  }
}
