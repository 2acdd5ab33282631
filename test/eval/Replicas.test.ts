import { expect, it } from "vitest"
import { capacityMode, replicas } from "../../eval/scenarios/Scenario.ts"
import { autoscale } from "../../eval/simulation/Autoscaler.ts"
import { sourceFor } from "../../eval/simulation/Random.ts"
import { Replicas } from "../../eval/simulation/Replicas.ts"
import { Timeline } from "../../eval/simulation/Timeline.ts"
import { callOf, offerAll } from "./support.ts"

const started = (timeline: Timeline, plan: ReturnType<typeof replicas>): Replicas =>
  new Replicas(timeline, plan, sourceFor("placement", 1), sourceFor("rejection", 1))

const calls = (count: number, work: number) => Array.from({ length: count }, (_, id) => callOf(work, id))

it("pooled replicas reject a call only when all slots are taken, quickly and with Retry-After", () => {
  const timeline = new Timeline()
  const backend = started(timeline, replicas(2, [[0, 2]], { retryAfter: 7 }))
  const answers = offerAll(timeline, backend, calls(6, 1))
  expect(backend.running).toBe(4)
  timeline.run(10, () => false)
  const rejected = answers.filter(({ reply }) => reply.kind === "rejected")
  expect(rejected.map(({ id }) => id).sort()).toEqual([4, 5])
  expect(rejected.every(({ at, reply }) => at > 0.002 && at < 0.004 && reply.retryAfter === 7)).toBe(true)
  expect(answers.filter(({ reply }) => reply.kind === "success").map(({ at }) => at)).toEqual([1, 1, 1, 1])
  expect(backend.running).toBe(0)
})

it("with random placement one full replica rejects although others have room", () => {
  const timeline = new Timeline()
  const backend = started(timeline, replicas(1, [[0, 10]], { placement: "random" }))
  const answers = offerAll(timeline, backend, calls(10, 1))
  timeline.run(10, () => false)
  const accepted = answers.filter(({ reply }) => reply.kind === "success").length
  expect(accepted).toBeGreaterThan(3)
  expect(accepted).toBeLessThan(10)
})

it("calls above a lowered capacity are finished, and new ones wait until they are", () => {
  const timeline = new Timeline()
  const plan = replicas(5, [
    [0, 2],
    [1, 0],
    [3, 1]
  ])
  const backend = started(timeline, plan)
  const answers = offerAll(timeline, backend, calls(10, 4))
  const late: Array<string> = []
  for (const at of [2, 3.5, 4.5]) {
    timeline.at(at, () => backend.offer(callOf(1), ({ kind }) => late.push(kind)))
  }
  timeline.run(20, () => false)
  expect(answers.every(({ reply, at }) => reply.kind === "success" && at === 4)).toBe(true)
  expect(late).toEqual(["rejected", "rejected", "success"])
})

it("a call that is to fail does its work and answers neither success nor rejection", () => {
  const timeline = new Timeline()
  const backend = started(timeline, replicas(1, [[0, 1]]))
  const call = { ...callOf(2), failuresLeft: 1 }
  const first = offerAll(timeline, backend, [call])
  timeline.run(2.5, () => false)
  const second = offerAll(timeline, backend, [call])
  timeline.run(10, () => false)
  expect(first.concat(second).map(({ reply, at }) => [reply.kind, at])).toEqual([
    ["neutral", 2],
    ["success", 4.5]
  ])
})

/** Replicas after a while with a client that always uses that share of what there is. */
const grown = (used: number): number => {
  const timeline = new Timeline()
  const backend = started(timeline, replicas(5, [[0, 1]]))
  autoscale(timeline, backend, capacityMode(5, 10, 5, 3), sourceFor("cold start", 1))
  const fill = (): void => {
    while (backend.running < Math.floor(used * backend.capacity)) backend.offer(callOf(1), () => {})
  }
  backend.onChange(fill)
  fill()
  timeline.run(100, () => false)
  return backend.replicas
}

it("capacity mode adds replicas as long as every slot is used, and stops at a margin", () => {
  expect(grown(1)).toBe(10)
  expect(grown(0.8)).toBe(1)
})

it("replicas that are not needed go after half a minute, never those in use", () => {
  const timeline = new Timeline()
  const backend = started(timeline, replicas(5, [[0, 1]]))
  autoscale(timeline, backend, capacityMode(5, 10, 5, 3), sourceFor("cold start", 1))
  offerAll(timeline, backend, calls(5, 12))
  timeline.run(20, () => false)
  expect(backend.replicas).toBe(2)
  timeline.run(60, () => false)
  expect(backend.replicas).toBe(1)
})
