/**
 * What a decision of the adaptive limit costs: `npm run bench:limiter`. A step is one event with its look for
 * room, as the worker makes it: a function with 50 places, always full, a call every 2 ms.
 */
import { getHeapStatistics } from "node:v8"
import { pace } from "../src/domain/limiter/Pace.ts"

const PLACES = 50
const STEPS = 1_000_000

/** A function and its limiter, for as many steps as one likes. */
const plant = () => {
  const limiter = pace({ maxLimit: 1000 })
  const context = { inFlight: 0, waiting: 1000 }
  const accepted: Array<number> = []
  let state = limiter.initial(0)
  let now = 0
  let seq = 0
  const answer = (seq: number, kind: "success" | "rejected", latency: number) => {
    context.inFlight--
    state = limiter.step(state, { _tag: "Answered", seq, kind, latency }, now, context)
  }
  /** Makes about so many steps; says how many it made. */
  return (steps: number): number => {
    let made = 0
    while (made < steps) {
      now += 0.002
      for (let room = limiter.room(state, now, context); room > 0; room--) {
        context.inFlight++
        state = limiter.step(state, { _tag: "Dispatched", seq: ++seq }, now, context)
        made++
        if (accepted.length < PLACES) accepted.push(seq)
        else {
          answer(seq, "rejected", 0.002)
          made++
        }
      }
      const done = accepted.shift()
      if (done === undefined) continue
      answer(done, "success", PLACES * 0.002)
      made++
    }
    return made
  }
}

const run = plant()
run(STEPS / 5)
const cpuBefore = process.cpuUsage()
const made = run(STEPS)
const { user, system } = process.cpuUsage(cpuBefore)
console.log(`${made} steps, ${(((user + system) * 1000) / made).toFixed(0)} ns CPU a step`)

// In pieces too small for a collection in between: what the heap grows by is what was thrown away.
const pieces = Array.from({ length: 500 }, () => {
  const before = getHeapStatistics().used_heap_size
  const steps = run(2_000)
  return (getHeapStatistics().used_heap_size - before) / steps
})
const median = pieces.toSorted((a, b) => a - b)[pieces.length / 2] ?? Number.NaN
console.log(`${median.toFixed(0)} bytes of garbage a step (median of ${pieces.length} pieces of 2000)`)
