import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Kind } from "../../src/domain/limiter/Limiter.ts"
import { pace } from "../../src/domain/limiter/Pace.ts"
import { type Flight, Throttle } from "../../src/worker/Throttle.ts"
import { recording, type Step } from "../support/RecordingLimiter.ts"

/** A flight with what became of it. */
interface Watched {
  readonly flight: Flight
  seq?: number
  isAnswered: boolean
  /** rejected, and not yet over */
  isReturning: boolean
}

/** A throttle with a real limiter, and the account of what happened to it. */
class Rig {
  now = 100
  queued = 0
  readonly flights: Array<Watched> = []
  readonly throttle: Throttle
  readonly steps: Array<Step> = []
  readonly #seed: number
  seq = 0

  constructor(seed: number) {
    this.#seed = seed
    const { limiter } = recording(pace({ maxLimit: 20, seed }), this.steps)
    this.throttle = new Throttle(
      limiter,
      () => this.now,
      () => this.queued
    )
  }

  bound(maxLimit: number): void {
    this.throttle.use(recording(pace({ maxLimit, seed: this.#seed }), this.steps).limiter)
  }

  get inFlight(): number {
    return this.flights.filter(({ seq, isAnswered }) => seq !== undefined && !isAnswered).length
  }

  get waiting(): number {
    return this.queued + this.flights.filter(({ isReturning }) => isReturning).length
  }

  /** The steps that this leads to. */
  during(act: () => void): ReadonlyArray<Step> {
    const before = this.steps.length
    act()
    return this.steps.slice(before)
  }

  dispatch(who: number): void {
    const watched = this.flights[who]
    if (watched === undefined || watched.seq !== undefined) return
    watched.seq = ++this.seq
    expect(this.during(watched.flight.dispatched)).toMatchObject([
      { event: { _tag: "Dispatched", seq: watched.seq }, context: this.context }
    ])
  }

  answer(who: number, kind: Kind): void {
    const watched = this.flights[who]
    if (watched === undefined) return
    const steps = this.during(() => watched.flight.answered(kind, 0.01))
    if (watched.seq === undefined || watched.isAnswered) return expect(steps).toEqual([])
    watched.isAnswered = true
    watched.isReturning = kind === "rejected"
    expect(steps).toMatchObject([
      { event: { _tag: "Answered", seq: watched.seq, kind }, context: this.context }
    ])
  }

  end(who: number): void {
    const watched = this.flights[who]
    if (watched === undefined) return
    const steps = this.during(watched.flight.ended)
    watched.isReturning = false
    if (watched.seq === undefined || watched.isAnswered) return expect(steps).toEqual([])
    watched.isAnswered = true
    expect(steps).toMatchObject([
      { event: { _tag: "Answered", seq: watched.seq, kind: "cancelled" }, context: this.context }
    ])
  }

  update(): void {
    const isDue = this.now >= this.throttle.wakeAt
    const knewOfWork = (this.steps.at(-1)?.context.waiting ?? 0) > 0
    const isNew = !knewOfWork && this.waiting > 0
    const ticks = this.during(() => this.throttle.update())
    expect(ticks).toMatchObject(isDue || isNew ? [{ event: { _tag: "Tick" }, context: this.context }] : [])
  }

  /** What a step must have been told. */
  get context() {
    return { inFlight: this.inFlight, waiting: this.waiting }
  }
}

const who = fc.nat(8)
const kind = fc.constantFrom<Kind>("success", "rejected", "neutral", "timeout", "unreachable", "cancelled")
const step = fc.oneof(
  fc.constant({ do: "start" as const }),
  { arbitrary: fc.record({ do: fc.constant("dispatch" as const), who }), weight: 2 },
  { arbitrary: fc.record({ do: fc.constant("answer" as const), who, kind }), weight: 2 },
  fc.record({ do: fc.constant("end" as const), who }),
  fc.record({ do: fc.constant("queue" as const), count: fc.nat(5) }),
  fc.record({
    do: fc.constant("wait" as const),
    seconds: fc.double({ min: -1, max: 10, noNaN: true })
  }),
  fc.constant({ do: "update" as const })
)
type Act = typeof step extends fc.Arbitrary<infer A> ? A : never

const take = (rig: Rig, act: Act): void => {
  switch (act.do) {
    case "start":
      rig.flights.push({ flight: rig.throttle.flight(), isAnswered: false, isReturning: false })
      return
    case "dispatch":
      return rig.dispatch(act.who)
    case "answer":
      return rig.answer(act.who, act.kind)
    case "end":
      return rig.end(act.who)
    case "queue":
      rig.queued = act.count
      return
    case "wait":
      rig.now += act.seconds
      return
    case "update":
      return rig.update()
  }
}

/** Plays the acts, each of which checks the steps that it leads to. */
const play = (seed: number, acts: ReadonlyArray<Act>) => {
  const rig = new Rig(seed)
  for (const act of acts) {
    take(rig, act)
    expect(rig.throttle.allowed).toBeGreaterThanOrEqual(rig.inFlight)
    if (rig.waiting === 0) expect(rig.throttle.holdsBack).toBe(false)
  }
  return rig
}

const acts = fc.array(step, { maxLength: 150, size: "max" })
const seqsOf = (steps: ReadonlyArray<Step>, tag: "Dispatched" | "Answered") =>
  steps.flatMap(({ event }) => (event._tag === tag ? [event.seq] : []))

describe("Throttle", () => {
  it("tells its limiter every departure, every answer once, and what is in flight and waits at that moment", () => {
    fc.assert(fc.property(fc.nat(), acts, (seed, acts) => void play(seed, acts)))
  })

  it("numbers the calls that leave from 1, and each of them comes back once, however it ends", () => {
    fc.assert(
      fc.property(fc.nat(), acts, (seed, acts) => {
        const rig = play(seed, acts)
        rig.flights.forEach((_, who) => rig.end(who))
        rig.flights.forEach((_, who) => rig.end(who))
        const left = seqsOf(rig.steps, "Dispatched")
        expect(left).toEqual(left.map((_, index) => index + 1))
        expect(seqsOf(rig.steps, "Answered").toSorted((one, other) => one - other)).toEqual(left)
        expect([rig.inFlight, rig.waiting]).toEqual([0, rig.queued])
      })
    )
  })

  it("knows what it knew when its limiter is made anew with another bound", () => {
    fc.assert(
      fc.property(fc.nat(), acts, acts, fc.integer({ min: 1, max: 40 }), (seed, before, after, maxLimit) => {
        const rig = play(seed, before)
        const { allowed, limit } = rig.throttle
        rig.bound(maxLimit)
        expect([rig.throttle.limit, rig.throttle.allowed >= rig.inFlight]).toEqual([limit, true])
        if (maxLimit >= 20) expect(rig.throttle.allowed).toBeGreaterThanOrEqual(allowed)
        for (const act of after) take(rig, act)
      })
    )
  })
})
