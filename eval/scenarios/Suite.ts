import { type Scenario, capacityMode, cores, replicas, scenario, workers } from "./Scenario.ts"
import { constant, exponentially, logNormal } from "./WorkTime.ts"

/** From one replica of five slots to ten, as OpenFaaS published it. */
const published = capacityMode(5, 10, 5, 3)
const from = (slots: number, autoscaler: ReturnType<typeof capacityMode>, placement?: "random") =>
  replicas(slots, [[0, 1]], { autoscaler, ...(placement === undefined ? {} : { placement }) })

/** Replicas that change between two numbers every `every` seconds. */
const flapping = (high: number, low: number, every: number, times: number) =>
  Array.from({ length: times }, (_, index) => [index * every, index % 2 === 0 ? high : low] as const)

/** The scenarios S1 to S25. */
export const suite: ReadonlyArray<Scenario> = [
  scenario("S1", "published: 1 to 10 replicas of 5 slots, 2 s", {
    calls: 500,
    work: constant(2),
    backend: from(5, published)
  }),
  scenario("S2", "as S1, slow autoscaler", {
    calls: 1000,
    work: constant(2),
    backend: from(5, capacityMode(5, 10, 15, 8))
  }),
  scenario("S3", "as S1, random placement", {
    calls: 500,
    work: constant(2),
    backend: from(5, published, "random")
  }),
  scenario("S4", "25 slots that stay", { calls: 2000 }),
  scenario("S5", "5 slots become 50", {
    calls: 3000,
    work: exponentially(0.5),
    backend: replicas(5, [
      [0, 1],
      [20, 10]
    ])
  }),
  scenario("S6", "50 slots become 5, then 25", {
    calls: 3100,
    work: exponentially(0.5),
    backend: replicas(5, [
      [0, 10],
      [20, 1],
      [40, 5]
    ])
  }),
  scenario("S7", "30 and 10 slots in turn, every 7 s", {
    calls: 1000,
    backend: replicas(5, flapping(6, 2, 7, 60))
  }),
  scenario("S8", "no slots at all for 20 s and for 15 s", {
    calls: 800,
    backend: replicas(5, [
      [0, 4],
      [10, 0],
      [30, 4],
      [45, 0],
      [60, 4]
    ])
  }),
  scenario("S9", "4 workers on 40 slots", {
    calls: 2500,
    work: logNormal(1, 0.8),
    backend: replicas(5, [[0, 8]]),
    joins: workers(4)
  }),
  scenario("S10", "8 workers join every 5 s on 32 slots", {
    calls: 2800,
    backend: replicas(4, [[0, 8]]),
    joins: workers(8, 5)
  }),
  scenario("S11", "heavy tail", { calls: 2000, work: logNormal(1, 1.5) }),
  scenario("S12", "one in ten answers 500", { calls: 1400, failing: 0.1 }),
  scenario("S13", "outages with Retry-After 2 s", {
    calls: 800,
    backend: replicas(
      5,
      [
        [0, 4],
        [10, 0],
        [25, 4],
        [40, 0],
        [55, 4]
      ],
      { retryAfter: 2 }
    )
  }),
  scenario("S14", "16 cores, no 429, calls time out after 20 s", {
    calls: 1000,
    work: logNormal(1, 0.4),
    backend: cores([[0, 16]], 1.3),
    timeout: 20
  }),
  scenario("S15", "a 429 takes half a second; 15 slots become 30", {
    calls: 1100,
    backend: replicas(
      5,
      [
        [0, 3],
        [20, 6]
      ],
      { rejectLatency: 0.5 }
    )
  }),
  scenario("S16", "GPU: 1 to 8 replicas of 1 slot, 5 s", {
    calls: 80,
    work: constant(5),
    backend: from(1, capacityMode(1, 8, 5, 8))
  }),
  scenario("S17", "random placement on 10 replicas of 5 slots", {
    calls: 2000,
    backend: replicas(5, [[0, 10]], { placement: "random" })
  }),
  scenario("S18", "one slot, 4 workers", { calls: 70, backend: replicas(1, [[0, 1]]), joins: workers(4) }),
  scenario("S19", "400 slots, 0.2 s", {
    calls: 20_000,
    work: exponentially(0.2),
    backend: replicas(5, [[0, 80]])
  }),
  scenario("S20", "as S1 with 8 workers", {
    calls: 800,
    work: constant(2),
    backend: from(5, published),
    joins: workers(8)
  }),
  scenario("S21", "fewer calls than slots, then a burst", {
    calls: [
      { at: 0, calls: 480, every: 0.125 },
      { at: 60, calls: 800, every: 0 }
    ]
  }),
  scenario("S22", "no limit at all", {
    calls: 4000,
    work: constant(1),
    backend: cores([[0, Number.POSITIVE_INFINITY]], 1),
    maxInFlight: 200
  }),
  scenario("S23", "no limit at all, heavy tail", {
    calls: 4000,
    work: logNormal(1, 1.5),
    backend: cores([[0, Number.POSITIVE_INFINITY]], 1),
    maxInFlight: 200
  }),
  scenario("S24", "16 cores become 4, then 16", {
    calls: 1100,
    work: logNormal(1, 0.4),
    backend: cores(
      [
        [0, 16],
        [20, 4],
        [50, 16]
      ],
      1.3
    ),
    timeout: 20
  }),
  scenario("S25", "4 workers join every 20 s on 40 slots", {
    calls: 8000,
    backend: replicas(5, [[0, 8]]),
    joins: workers(4, 20)
  })
]

export const scenarioNamed = (name: string): Scenario => {
  const found = suite.find((scenario) => scenario.name === name)
  if (found === undefined)
    throw new Error(`There is no scenario "${name}". There are S1 to S25 and F1, F2, ...`)
  return found
}
