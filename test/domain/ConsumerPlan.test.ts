import { describe, expect, it } from "vitest"
import * as ConsumerPlan from "../../src/domain/ConsumerPlan.ts"

const second = 1000
const minute = 60 * second

describe("ConsumerPlan.serverInactiveThreshold", () => {
  const settings = {
    consumerInactiveThreshold: 30 * second,
    upstreamTimeout: 20 * second,
    maxRetryWait: 10 * second,
    ackWait: 5 * second
  }

  it.each([
    ["the idle time", {}, 30 * second],
    ["the longest call", { upstreamTimeout: 10 * minute }, 10 * minute],
    ["the longest delay", { maxRetryWait: 20 * minute }, 20 * minute],
    ["two acknowledgement waits", { ackWait: 3 * minute }, 6 * minute]
  ])("is a minute longer than %s when that is the longest", (_, more, longest) => {
    expect(ConsumerPlan.serverInactiveThreshold({ ...settings, ...more })).toBe(longest + minute)
  })
})

describe("ConsumerPlan.changes", () => {
  it("finds the fields that differ, and only those", () => {
    const existing = { ack_wait: 30, max_ack_pending: 1000, name: "a", filter_subjects: ["a", "b"] }
    const wanted = { ack_wait: 30, max_ack_pending: -1, filter_subjects: ["a", "c"] }
    expect(ConsumerPlan.changes(existing, wanted)).toEqual({
      max_ack_pending: -1,
      filter_subjects: ["a", "c"]
    })
  })

  it("finds nothing when everything wanted is there", () => {
    const config = { ack_wait: 30, metadata: { a: "1" }, filter_subjects: ["a"] }
    expect(ConsumerPlan.changes({ ...structuredClone(config), num_replicas: 3 }, config)).toEqual({})
  })

  it("takes a field the server leaves out for its zero value", () => {
    const zeros = { description: "", max_batch: 0, mem_storage: false, backoff: [] }
    expect(ConsumerPlan.changes({}, zeros)).toEqual({})
    expect(ConsumerPlan.changes({ max_batch: 5 }, zeros)).toEqual({ max_batch: 0 })
    expect(ConsumerPlan.changes({}, { max_batch: 5 })).toEqual({ max_batch: 5 })
  })
})
