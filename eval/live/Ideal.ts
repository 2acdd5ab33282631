import { type Scenario, wanted } from "./Scenario.ts"

/** A replica is there from `from` to `to`. */
interface Presence {
  readonly from: number
  readonly to: number
}

/**
 * When the last call would have ended, had each gone at once to a free slot: the best schedule of calls that all
 * take `work` and are there from `arrivals` on, over replicas as they were. All times in the same unit.
 */
export const lastEnd = (
  arrivals: ReadonlyArray<number>,
  replicas: ReadonlyArray<Presence>,
  slots: number,
  work: number
): number => {
  const free = replicas.flatMap(({ from, to }) => Array.from({ length: slots }, () => ({ at: from, to })))
  let last = 0
  for (const arrival of arrivals.toSorted((a, b) => a - b)) {
    const usable = free.filter(({ at, to }) => Math.max(at, arrival) < to)
    const slot = usable.reduce((best, each) => (each.at < best.at ? each : best), usable[0] ?? never)
    slot.at = Math.max(slot.at, arrival) + work
    last = Math.max(last, slot.at)
  }
  return last
}

const never = { at: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY }

/** Seconds between two looks of the simulation below. */
const STEP = 0.005

/**
 * Seconds that the calls of a scenario would take, were they all there at once and sent by somebody who sees free
 * slots: unlike above, the autoscaler follows that sender too.
 */
export const best = ({ autoscaler, calls, slots, work }: Scenario): number => {
  let waiting = calls
  let replicas = autoscaler.fewest
  let starting: Array<number> = []
  let running: Array<number> = []
  let nextLook = autoscaler.poll
  for (let now = 0; ; now += STEP) {
    replicas += starting.filter((at) => at <= now).length
    starting = starting.filter((at) => at > now)
    running = running.filter((end) => end > now)
    const sent = Math.min(waiting, replicas * slots - running.length)
    running.push(...Array.from({ length: sent }, () => now + work))
    waiting -= sent
    if (waiting === 0) return now + work
    if (now < nextLook) continue
    nextLook += autoscaler.poll
    const missing = wanted(running.length, autoscaler) - replicas - starting.length
    for (let count = missing; count > 0; count--) starting.push(now + autoscaler.cold)
  }
}
