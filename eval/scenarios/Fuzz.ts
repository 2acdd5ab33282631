import { type Random, sourceFor } from "../simulation/Random.ts"
import { type ReplicaPlan, type Scenario, capacityMode, replicas, scenario, workers } from "./Scenario.ts"
import { type WorkTime, bimodal, constant, exponentially, logNormal } from "./WorkTime.ts"

/** How the capacity of a random scenario moves. */
const modes = ["static", "step", "auto", "flap", "zero"] as const
type Mode = (typeof modes)[number]

/** Enough calls for a run to have a middle, and no more than a few seconds of computing for the league. */
const mostCalls = 6000

const pick = <A>(random: Random, all: readonly [A, ...ReadonlyArray<A>]): A =>
  all[Math.floor(random() * all.length)] ?? all[0]

const between = (random: Random, low: number, high: number): number => low + (high - low) * random()

/** As likely between 1 and 10 as between 10 and 100. */
const scaled = (random: Random, low: number, high: number): number =>
  low * Math.exp(random() * Math.log(high / low))

const workOf = (random: Random, mean: number): WorkTime =>
  pick(random, [
    constant(mean),
    exponentially(mean),
    logNormal(mean, between(random, 0.3, 1.2)),
    bimodal(mean)
  ])

/** Replica counts over `duration` seconds; the last is the largest, or a small lag would rule the result. */
const scheduleOf = (random: Random, mode: Mode, most: number, duration: number) => {
  const some = () => Math.max(1, Math.floor(most * between(random, 0.1, 0.7)))
  const at = (share: number) => share * duration
  switch (mode) {
    case "static":
    case "auto":
      return [[0, mode === "auto" ? 1 : most]] as const
    case "step": {
      const [first, second] = [at(between(random, 0.15, 0.35)), at(between(random, 0.5, 0.7))]
      return pick(random, [
        [
          [0, some()],
          [first, most]
        ],
        [
          [0, most],
          [first, some()],
          [second, most]
        ],
        [
          [0, some()],
          [first, some()],
          [second, most]
        ]
      ] as const)
    }
    case "flap": {
      const low = some()
      const period = between(random, 4, 12)
      const times = 2 * Math.ceil(duration / period / 2)
      return Array.from(
        { length: times + 1 },
        (_, index) => [index * period, index % 2 === 0 ? most : low] as const
      )
    }
    case "zero": {
      const first = at(between(random, 0.1, 0.4))
      const second = first + between(random, 15, 40)
      return [
        [0, most],
        [first, 0],
        [first + between(random, 5, 15), most],
        [second, 0],
        [second + between(random, 3, 15), most]
      ] as const
    }
  }
}

/** The random scenario of a seed: always the same. */
export const fuzzed = (seed: number): Scenario => {
  const random = sourceFor("fuzz", seed)
  const mode = pick(random, modes)
  const mean = scaled(random, 0.1, 10)
  const slots = pick(random, [1, 2, 5, 10])
  const capacity = Math.min(scaled(random, 1, 120), (mostCalls / 20) * mean)
  const count = Math.max(mode === "static" ? 1 : 2, Math.round(capacity / slots))
  const duration = Math.min(between(random, 40, 120), (mostCalls * mean) / (count * slots))
  const autoscaler =
    mode === "auto"
      ? capacityMode(slots, count, Math.round(between(random, 2, 15)), between(random, 1, 10))
      : undefined
  const backend: ReplicaPlan = replicas(slots, scheduleOf(random, mode, count, duration), {
    rejectLatency: scaled(random, 0.002, 0.15),
    autoscaler
  })
  const joins = workers(pick(random, [1, 2, 4, 8]), random() < 0.5 ? 0 : between(random, 0.5, 5))
  const share = mode === "static" ? 1 : mode === "auto" ? 0.4 : 0.7
  const calls = Math.max(20, Math.round((share * count * slots * duration) / mean))
  const title = `${mode}, ${count} x ${slots} slots, ${mean.toFixed(1)} s, ${joins.length} workers`
  const failing = random() < 0.2 ? 0.05 : 0
  return scenario(`F${seed}`, title, { calls, work: workOf(random, mean), backend, joins, failing })
}
