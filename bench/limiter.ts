/**
 * What a decision of the adaptive limit costs: `npm run bench:limiter`. A step is one event with its look for
 * room, as the worker makes it: a call every 2 ms to a function with 50 places, always full, which says so with
 * a 429; and to one that never says 429, for which every answer is measured.
 */
import { getHeapStatistics } from "node:v8"
import type { Kind } from "../src/domain/limiter/Limiter.ts"
import { pace } from "../src/domain/limiter/Pace.ts"

const PLACES = 50
/** Seconds. */
const CALL_EVERY = 0.002
const WORK = (PLACES - 0.5) * CALL_EVERY
const STEPS = 1_000_000

/** A function and its limiter, for as many steps as one likes. It throws nothing away itself. */
const plant = (rejects: boolean) => {
  const limiter = pace({ maxLimit: rejects ? 1000 : PLACES })
  const context = { inFlight: 0, waiting: 1000 }
  const dispatched = { _tag: "Dispatched" as const, seq: 0 }
  const answered = { _tag: "Answered" as const, seq: 0, kind: "success" as Kind, latency: 0.1 }
  /** Of each running call, in the order in which they left. */
  const seqs: Array<number> = []
  const ends: Array<number> = []
  let state = limiter.initial(0)
  let now = 0
  let seq = 0
  const answer = (seq: number, kind: Kind, latency: number) => {
    context.inFlight--
    answered.seq = seq
    answered.kind = kind
    answered.latency = latency
    state = limiter.step(state, answered, now, context)
  }
  /** Makes about so many steps; says how many it made. */
  return (steps: number): number => {
    let made = 0
    while (made < steps) {
      now += CALL_EVERY
      for (let room = limiter.room(state, now, context); room > 0; room--) {
        context.inFlight++
        dispatched.seq = ++seq
        state = limiter.step(state, dispatched, now, context)
        made++
        if (seqs.length < PLACES) {
          seqs.push(seq)
          ends.push(now + WORK)
        } else {
          answer(seq, "rejected", CALL_EVERY)
          made++
        }
      }
      if ((ends[0] ?? Number.POSITIVE_INFINITY) > now) continue
      ends.shift()
      answer(seqs.shift() ?? 0, "success", WORK)
      made++
    }
    return made
  }
}

/** In pieces too small for a collection in between: what the heap grows by is what was thrown away. */
const garbage = (run: (steps: number) => number): number => {
  const pieces = Array.from({ length: STEPS / 2_000 }, () => {
    const before = getHeapStatistics().used_heap_size
    const steps = run(2_000)
    return (getHeapStatistics().used_heap_size - before) / steps
  })
  return pieces.toSorted((a, b) => a - b)[pieces.length / 2] ?? Number.NaN
}

for (const [name, rejects] of [
  ["a function that says 429", true],
  ["one that never does", false]
] as const) {
  const run = plant(rejects)
  run(STEPS / 5)
  const cpuBefore = process.cpuUsage()
  const made = run(STEPS)
  const { user, system } = process.cpuUsage(cpuBefore)
  const nanoseconds = ((user + system) * 1000) / made
  console.log(
    `${name}: ${nanoseconds.toFixed(0)} ns CPU and ${garbage(run).toFixed(0)} bytes of garbage a step`
  )
}
