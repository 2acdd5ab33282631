import type { Context, Event } from "../../src/domain/limiter/Limiter.ts"
import { Alarm } from "./Alarm.ts"
import type { Call, Reply } from "./Call.ts"
import type { Cell } from "./Cell.ts"
import { type Contender, halfJitter, wait } from "./Contender.ts"
import { type Random, sourceFor } from "./Random.ts"
import { type World, send } from "./World.ts"

/** Two `ack_wait`: a worker whose function was closed for longer gives its calls back to the queue. */
const holdsFor = 120

/** Clocks tell microseconds; without this, equal latencies would differ by rounding. */
const tick = 1e-6

type Answer = Reply | { readonly kind: "timeout" }

/** Tells what a worker's limiter was told and what it made of it. */
export type Watch = (worker: number, now: number, event: Event, context: Context, cell: Cell) => void

/** One worker: pulls calls as its limiter lets it, and tells the limiter what comes back. */
export class Worker {
  readonly #world: World
  readonly #contender: Contender
  readonly #index: number
  readonly #cell: Cell
  readonly #random: Random
  readonly #watch: Watch | undefined
  readonly #alarm: Alarm
  #seq = 0
  #inFlight = 0
  /** Calls in back-off that keep their permit. */
  #waitingWithPermit = 0
  /** Rejected calls that go out first. */
  #held: Array<Call> = []
  #closedSince: number | undefined
  #knewOfWork = false

  constructor(world: World, contender: Contender, index: number, watch: Watch | undefined) {
    this.#world = world
    this.#contender = contender
    this.#index = index
    this.#watch = watch
    this.#random = sourceFor(`worker ${index}`, world.seed)
    const seed = Math.floor(sourceFor(`limiter ${index}`, world.seed)() * 2 ** 32)
    const { maxInFlight } = world.scenario
    this.#cell = contender.start({ maxInFlight, seed, now: world.timeline.now })
    this.#alarm = new Alarm(world.timeline, () => this.tell({ _tag: "Tick" }))
    world.queue.onMore(() => this.#wakeUp())
    this.#wakeUp()
  }

  get limit(): number {
    return Math.min(this.#cell.limit(), this.#world.scenario.maxInFlight)
  }

  /** Something happened that the limiter should hear of, unasked. */
  tell(event: Event): void {
    this.#step(event)
    this.#pump()
  }

  /** What the limiter would tell the other workers now. */
  news(): ReturnType<Cell["news"]> {
    return this.#cell.news(this.#world.timeline.now, this.#context())
  }

  /** It has calls that it may not send. */
  get isLimited(): boolean {
    const context = this.#context()
    return context.waiting > 0 && this.#cell.room(this.#world.timeline.now, context) === 0
  }

  #context(): Context {
    const inFlight = this.#inFlight + this.#waitingWithPermit
    return { inFlight, waiting: this.#world.queue.size + this.#held.length }
  }

  /** There is work again; a limiter that had none asked for no tick, so it gets one. */
  #wakeUp(): void {
    if (!this.#knewOfWork) this.#step({ _tag: "Tick" })
    this.#pump()
  }

  #step(event: Event): void {
    const { timeline, recorder } = this.#world
    const context = this.#context()
    this.#knewOfWork = context.waiting > 0
    this.#cell.step(event, timeline.now, context)
    this.#watch?.(this.#index, timeline.now, event, context, this.#cell)
    recorder.stepped(timeline.now, this.#index, event, this.limit)
  }

  #pump(): void {
    const { timeline, queue, scenario } = this.#world
    let sent = 0
    do {
      const context = this.#context()
      const allowed = Math.min(
        this.#cell.room(timeline.now, context),
        scenario.maxInFlight - context.inFlight
      )
      for (sent = 0; sent < allowed; sent++) {
        const call = this.#held.shift() ?? queue.take()
        if (call === undefined) break
        this.#inFlight++
        this.#dispatch(call)
      }
    } while (sent > 0)
    this.#giveBackWhenClosed()
    this.#alarm.set(this.#cell.wakeAt())
  }

  #dispatch(call: Call): void {
    const seq = ++this.#seq
    const sentAt = this.#world.timeline.now
    this.#world.recorder.dispatched(sentAt, this.#index)
    this.#step({ _tag: "Dispatched", seq })
    send(this.#world, call, (answer) => {
      const latency = Math.round((this.#world.timeline.now - sentAt) / tick) * tick
      this.#answered(call, seq, answer, latency)
    })
  }

  #answered(call: Call, seq: number, answer: Answer, latency: number): void {
    const { recorder, timeline } = this.#world
    this.#inFlight--
    const asked = "retryAfter" in answer ? { retryAfter: answer.retryAfter } : {}
    recorder.answered({ time: timeline.now, worker: this.#index, kind: answer.kind, latency, ...asked })
    this.#settle(call, answer)
    this.#step({ _tag: "Answered", seq, kind: answer.kind, latency, ...asked })
    this.#pump()
  }

  #settle(call: Call, answer: Answer): void {
    const { timeline, queue, recorder, done } = this.#world
    const { rejected } = this.#contender
    if (answer.kind === "success") {
      recorder.completed(call, timeline.now)
      done(call)
    } else if (answer.kind !== "rejected") {
      // The function worked and failed: the retry policy's business, whatever the limiter.
      timeline.after(wait(halfJitter, call.failedAttempts++, this.#random), () => queue.giveBack([call]))
    } else if (rejected === "hold") {
      this.#held.push(call)
    } else {
      const backoff = wait(this.#contender.backoff, call.failedAttempts++, this.#random)
      const delay = Math.max(backoff, answer.retryAfter ?? 0)
      if (rejected === "free permit") timeline.after(delay, () => queue.giveBack([call]))
      else this.#waitWithPermit(call, delay)
    }
  }

  #waitWithPermit(call: Call, delay: number): void {
    const { timeline, queue } = this.#world
    this.#waitingWithPermit++
    timeline.after(delay, () => {
      this.#waitingWithPermit--
      queue.giveBack([call])
    })
  }

  #giveBackWhenClosed(): void {
    const { timeline, scenario } = this.#world
    if (scenario.joins.length === 1) return
    if (this.#cell.limit() > 0) this.#closedSince = undefined
    else if (this.#closedSince === undefined) {
      const since = timeline.now
      this.#closedSince = since
      timeline.after(holdsFor, () => {
        if (this.#closedSince === since) this.#giveBack()
      })
    } else if (timeline.now - this.#closedSince > holdsFor) this.#giveBack()
  }

  #giveBack(): void {
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    this.#world.queue.giveBack(held)
  }
}
