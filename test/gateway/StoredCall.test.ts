import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import * as Call from "../../src/domain/Call.ts"
import { bare } from "./TestGateway.ts"
import { largestBody, storedCall, type Accepted } from "../../src/gateway/StoredCall.ts"

const fn = { name: "echo", namespace: "openfaas-fn" }

const accepted: Accepted = {
  target: { fn, functionText: "echo", path: "", query: "" },
  header: { Host: ["gateway:8080"], "X-Start-Time": ["1"] },
  callId: "id",
  startTime: "2",
  callbackUrl: undefined,
  queueName: "faas-request",
  spec: bare(fn)
}

const bytes = (body: Uint8Array) => Call.encode({ ...storedCall(accepted), body }).length

describe("the stored call", () => {
  it("has the host beside the headers, and the start time added to those that came", () => {
    const call = storedCall(accepted)
    assert.strictEqual(call.host, "gateway:8080")
    assert.deepEqual({ ...call.header }, { "X-Call-Id": ["id"], "X-Start-Time": ["1", "2"] })
  })

  it("takes along only what a worker needs to know of the function", () => {
    const call = storedCall({
      ...accepted,
      spec: {
        name: fn,
        url: "http://echo",
        annotations: {
          "com.openfaas.retry.attempts": "3",
          "com.openfaas.retry": "no",
          "com.openfaas.queue": "slow",
          "com.openfaas.queue.more": "no",
          "sluice.limit": "4",
          topic: "no"
        },
        labels: { "com.openfaas.scale.max": "5", team: "no" },
        environment: { max_inflight: "6", PASSWORD: "no", xmax_inflight: "no" }
      }
    })
    assert.deepEqual(call.annotations, {
      "com.openfaas.retry.attempts": "3",
      "com.openfaas.queue": "slow",
      "sluice.limit": "4"
    })
    assert.deepEqual(call.labels, { "com.openfaas.scale.max": "5" })
    assert.deepEqual(call.environment, { max_inflight: "6" })
  })

  it("has the largest body that its message has room for", () => {
    const empty = bytes(new Uint8Array())
    fc.assert(
      fc.property(fc.integer({ min: empty, max: empty + 100 }), (max) => {
        const limit = largestBody(max, empty)
        assert.isAtMost(bytes(new Uint8Array(limit)), max)
        assert.isAbove(bytes(new Uint8Array(limit + 1)), max)
      })
    )
    assert.isBelow(largestBody(empty - 1, empty), 0)
  })
})
