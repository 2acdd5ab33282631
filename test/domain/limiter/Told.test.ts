import { describe, expect, it } from "vitest"
import { NEWS_HOLDS, PROBE_MAX } from "../../../src/domain/limiter/Constants.ts"
import { everything } from "../../../src/domain/limiter/State.ts"
import { counter } from "./counter.ts"
import { Model, type Plant } from "./Model.ts"

const backlog = 1_000_000
const usual: Plant = { capacity: 10, replicas: 1, service: 0.5, rejection: 0.005 }

/** Its replicas are counted; counts answers from now on. */
const counted = (replicas: number) => {
  const { counts, watch } = counter()
  const options = { features: { ...everything, learnedGap: false } }
  const model = new Model({ plant: { ...usual, service: 2 }, waiting: backlog, options }, watch)
  model.run({ _tag: "Hint", replicas })
  model.serve(20)
  expect(model.state.confirmed).toBe(10)
  counts.rejected = 0
  return { counts, model }
}

describe("PACE, told of replicas and by other workers", () => {
  it("twice the replicas are twice the calls within a second, without a rejection then or in the next two", () => {
    const { counts, model } = counted(2)
    model.run({ _tag: "SetCapacity", capacity: 20 })
    model.run({ _tag: "Hint", replicas: 4 })
    model.serve(1)
    expect(model.state.confirmed).toBe(20)
    model.serve(2)
    expect([model.state.confirmed, counts.rejected]).toEqual([20, 0])
  })

  it("replicas that take more than the others are found out about, and those that take nothing cost a rejection", () => {
    for (const capacity of [10, 13, 40]) {
      const { counts, model } = counted(2)
      model.run({ _tag: "SetCapacity", capacity })
      model.run({ _tag: "Hint", replicas: 4 })
      model.serve(1)
      expect(model.state.confirmed).toBe(Math.min(20, capacity))
      expect(counts.rejected).toBe(capacity < 20 ? 1 : 0)
      model.serve(2 * PROBE_MAX)
      expect(model.state.confirmed).toBe(capacity)
    }
  })

  it("the first count of replicas, and fewer of them, are no reason to look", () => {
    const { counts, model } = counted(4)
    model.run({ _tag: "Hint", replicas: 3 })
    model.serve(0.5)
    const fresh = new Model({ plant: usual, waiting: backlog }, counter().watch)
    fresh.serve(20)
    const { ramp } = fresh.state
    fresh.run({ _tag: "Hint", replicas: 3 })
    expect([counts.rejected, fresh.state.ramp]).toEqual([0, ramp])
  })

  it("what another worker gave up is looked for once, and again only when it gave up more", () => {
    const { counts, watch } = counter()
    const model = new Model({ plant: { ...usual, service: 60 }, waiting: backlog }, watch)
    const tell = (holds: number, gives: number) => {
      const news = { worker: "other", holds, gives, wants: true, finds: 0, turn: 0.5 }
      model.run({ _tag: "Gossip", news })
      model.serve(1)
    }
    model.serve(20)
    for (let times = 0; times < 4; times++) tell(20, 0)
    const before = counts.rejected
    for (let times = 0; times < 4; times++) tell(18, 2)
    expect(counts.rejected - before).toBe(1)
    for (let times = 0; times < 4; times++) tell(16, 4)
    expect(counts.rejected - before).toBe(2)
  })

  it("a worker with room has news only for one that has none, and says that it wants nothing", () => {
    const model = new Model({ plant: usual, waiting: backlog })
    model.serve(20)
    model.waiting = 0
    model.serve(2)
    const news = () => model.limiter.news?.(model.state, model.now, model.context)
    const hear = (holds: number, wants: boolean) => {
      const said = { worker: "other", holds, wants, gives: 0, finds: 0, turn: 0.5 }
      model.run({ _tag: "Gossip", news: said })
    }
    for (const [holds, wants] of [
      [0, false],
      [3, true]
    ] as const) {
      hear(holds, wants)
      expect(news()).toBeUndefined()
    }
    hear(0, true)
    expect(news()).toMatchObject({ holds: 10, wants: false })
    model.serve(NEWS_HOLDS + 1)
    expect(news()).toBeUndefined()
  })
})
