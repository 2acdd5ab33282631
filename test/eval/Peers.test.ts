import { expect, it } from "vitest"
import { awsAdaptive } from "../../eval/peers/AwsAdaptive.ts"
import { correlate, correlation } from "../../eval/peers/Correlation.ts"
import { cubic } from "../../eval/peers/Cubic.ts"
import { dialogue } from "../../eval/peers/Dialogue.ts"
import { failsafeGo } from "../../eval/peers/FailsafeGo.ts"
import { gradient2 } from "../../eval/peers/Gradient2.ts"
import { netflixAimd } from "../../eval/peers/NetflixAimd.ts"
import { openFaasProse } from "../../eval/peers/OpenFaasProse.ts"
import { type Law, type Sample, peer } from "../../eval/peers/Peer.ts"
import { reno } from "../../eval/peers/Reno.ts"
import { vectorArc } from "../../eval/peers/VectorArc.ts"
import { vegas } from "../../eval/peers/Vegas.ts"

const success: Sample = {
  now: 1,
  seq: 1,
  lastSeq: 100,
  kind: "success",
  latency: 1,
  inFlight: 1000,
  inFlightNow: 1000
}
const drop: Sample = { ...success, kind: "rejected", latency: 0.005 }

/** The limit after some samples. */
const after = <L>(law: Law<L>, ...samples: ReadonlyArray<Sample>): number =>
  law.limit(samples.reduce(law.sample, law.initial(0)))

const at = (now: number): Sample => ({ ...success, now })

const repeat = (count: number, sample: (index: number) => Sample): ReadonlyArray<Sample> =>
  Array.from({ length: count }, (_, index) => sample(index))

it("Netflix AIMD takes a tenth for every drop and adds one for every success under load", () => {
  expect(after(netflixAimd, drop)).toBe(18)
  expect(after(netflixAimd, drop, drop)).toBe(16)
  expect(after(netflixAimd, success)).toBe(21)
  expect(after(netflixAimd, { ...success, inFlight: 9 })).toBe(20)
  expect(after(netflixAimd, { ...success, inFlight: 10 })).toBe(21)
  expect(after(netflixAimd, ...repeat(400, () => success))).toBe(200)
})

it("Vegas grows while latency is flat, and takes a fast 429 for the latency without load", () => {
  const law = vegas(1)
  expect(after(law, success, success)).toBe(26)
  expect(after(law, success, drop)).toBe(20)
  expect(after(law, success, drop, success)).toBe(19)
})

it("Gradient2 throws a window of nine samples away with its drops, and grows by its queue", () => {
  const second = (count: number) => repeat(count, () => success).concat({ ...success, now: 3 })
  expect(after(gradient2, success, ...second(8))).toBe(20)
  expect(after(gradient2, success, ...second(9))).toBeCloseTo(20.8)
})

it("Vector ARC adds one a round trip when latency did not rise, and cuts once a window", () => {
  expect(after(vectorArc, at(1), at(2), at(3))).toBe(3)
  expect(after(vectorArc, at(1), at(2), { ...at(3), latency: 0.9, inFlight: 1 })).toBe(2)
  const ten = repeat(10, (index) => at(index + 1))
  expect(after(vectorArc, ...ten, drop, drop, { ...at(11) })).toBe(9)
})

it("Reno doubles in a round trip until the first loss, and halves once for each window of losses", () => {
  const seven = repeat(7, () => success)
  expect(after(reno, ...seven)).toBe(8)
  expect(after(reno, ...seven, drop, drop, { ...drop, seq: 100 })).toBe(4)
  expect(after(reno, ...seven, drop, { ...drop, seq: 101 })).toBe(2)
  expect(after(reno, ...seven, drop, ...repeat(4, () => success))).toBeGreaterThan(4.9)
})

it("CUBIC is back at its old window when its curve is flat", () => {
  const grown = repeat(49, () => success)
  const flatAfter = Math.cbrt((50 * 0.3) / 0.4)
  const later = repeat(2000, (index) => ({ ...success, now: 1 + (flatAfter * (index + 1)) / 2000, seq: 101 }))
  expect(after(cubic, ...grown, drop)).toBeCloseTo(35)
  expect(after(cubic, ...grown, drop, ...later)).toBeGreaterThan(49)
  expect(after(cubic, ...grown, drop, ...later)).toBeLessThanOrEqual(50)
})

it("Dialogue adds the inverse of its limit, its ramp one, until the first drop", () => {
  expect(after(dialogue(false), success)).toBeCloseTo(20.05)
  expect(after(dialogue(true), success)).toBe(21)
  expect(after(dialogue(true), drop, success)).toBeCloseTo(18 + 1 / 18)
  expect(after(dialogue(false), { ...success, inFlight: 17 })).toBe(20)
})

it("failsafe-go decides after fifty samples and takes a 429 for a fast success", () => {
  const fifty = repeat(50, () => success)
  expect(after(failsafeGo, ...fifty.slice(1))).toBe(20)
  expect(after(failsafeGo, ...fifty)).toBe(21)
  expect(after(failsafeGo, ...repeat(50, () => drop))).toBe(21)
})

const correlationOf = (y: (x: number) => number) =>
  Array.from({ length: 20 }, (_, x) => x + 1).reduce((known, x) => correlate(known, x, y(x)), correlation)

it("correlation tells values that go together from those that do not", () => {
  expect(correlationOf((x) => 3 * x).coefficient).toBeCloseTo(1)
  expect(correlationOf((x) => 100 - x).coefficient).toBeCloseTo(-1)
  expect(correlationOf(() => 5).coefficient).toBe(0)
})

it("the prose of OpenFaaS cuts only after several rejections in a row, and grows faster when it was calm", () => {
  const grown = repeat(12, (index) => ({ ...success, now: 11 + index / 10 }))
  const limit = after(openFaasProse, ...grown)
  expect(limit).toBeGreaterThan(11)
  expect(after(openFaasProse, ...grown, drop, drop)).toBe(limit)
  expect(after(openFaasProse, ...grown, drop, drop, { ...drop, inFlightNow: 10 })).toBe(9)
  expect(after(openFaasProse, ...repeat(12, (index) => ({ ...success, now: index / 10 })))).toBeLessThan(6)
})

it("AWS adaptive knows no limit before the first throttling, and a rate after it", () => {
  const idle = { inFlight: 0, waiting: 10 }
  const fresh = awsAdaptive.initial(0)
  expect(awsAdaptive.room(fresh, 0, idle)).toBe(100)
  const event = { _tag: "Answered", seq: 1, kind: "rejected", latency: 0.005 } as const
  const throttled = awsAdaptive.step(fresh, event, 0.01, idle)
  expect(awsAdaptive.room(throttled, 0.01, idle)).toBe(1)
  const sent = awsAdaptive.step(throttled, { _tag: "Dispatched", seq: 2 }, 0.01, idle)
  expect(awsAdaptive.room(sent, 0.01, idle)).toBe(0)
  const next = awsAdaptive.wakeAt(sent)
  expect(next).toBeCloseTo(2.01)
  expect(awsAdaptive.room(sent, next, idle)).toBe(1)
})

it("a library's limiter gives out whole permits and remembers how many were out when a call left", () => {
  const seen: Array<number> = []
  const law: Law<number> = {
    name: "2.9",
    initial: () => 2.9,
    sample: (limit, { inFlight }) => {
      seen.push(inFlight)
      return limit
    },
    limit: (limit) => limit
  }
  const limiter = peer(law)
  let state = limiter.initial(0)
  expect(limiter.room(state, 0, { inFlight: 0, waiting: 5 })).toBe(2)
  state = limiter.step(state, { _tag: "Dispatched", seq: 1 }, 0, { inFlight: 1, waiting: 4 })
  state = limiter.step(state, { _tag: "Dispatched", seq: 2 }, 0, { inFlight: 2, waiting: 3 })
  expect(limiter.room(state, 0, { inFlight: 2, waiting: 3 })).toBe(0)
  for (const seq of [2, 1]) {
    const answered = { _tag: "Answered", seq, kind: "success", latency: 1 } as const
    state = limiter.step(state, answered, 1, { inFlight: seq - 1, waiting: 3 })
  }
  expect(seen).toEqual([2, 1])
})
