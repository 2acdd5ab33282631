import { JetStreamApiError } from "@nats-io/jetstream"
import { errors } from "@nats-io/transport-node"
import { describe, expect, it } from "vitest"
import * as natsErrors from "../../src/queue/natsErrors.ts"

const api = (err_code: number, description: string) =>
  new JetStreamApiError({ code: 503, err_code, description })

describe("an error of the client", () => {
  it.each([
    [api(10059, "stream not found"), "stream-gone"],
    [api(10054, "message size exceeds maximum allowed"), "too-large"],
    [api(10077, "maximum messages exceeded"), "refused"],
    [api(10008, "JetStream system temporarily unavailable"), "unavailable"],
    [new errors.PermissionViolationError("no", "publish", "x"), "refused"],
    [new Error("no", { cause: new errors.PermissionViolationError("no", "publish", "x") }), "refused"],
    [new errors.TimeoutError(), "unavailable"],
    ["something else", "unavailable"]
  ])("%s is for us %s", (error, reason) => {
    expect(natsErrors.toQueueError(error).reason).toBe(reason)
  })

  it.each([
    [api(10077, "maximum messages exceeded"), true],
    [api(10047, "maximum bytes exceeded"), true],
    [api(10054, "message size exceeds maximum allowed"), false],
    [api(10059, "stream not found"), false],
    [new Error("maximum"), false]
  ])("%s says that the queue is full: %j", (error, isFull) => {
    expect(natsErrors.isQueueFull(error)).toBe(isFull)
  })

  it.each([
    [Object.assign(new Error("no"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), true],
    [new Error("server does not support 'tls'"), true],
    [Object.assign(new Error("no"), { code: "ECONNREFUSED" }), false],
    ["certificate", true]
  ])("%s is one of trust: %j", (error, isUntrusted) => {
    expect(natsErrors.isUntrusted(error)).toBe(isUntrusted)
  })

  it.each([
    [api(10039, "JetStream not enabled for account"), true],
    [api(10076, "JetStream not enabled"), true],
    [api(10059, "stream not found"), false]
  ])("%s says that there is no JetStream: %j", (error, isMissing) => {
    expect(natsErrors.isJetStreamMissing(error)).toBe(isMissing)
  })

  it("tells who has no JetStream", () => {
    const errors = [api(10039, "JetStream not enabled for account"), api(10076, "JetStream not enabled")]
    expect(errors.map(natsErrors.isJetStreamForOthers)).toEqual([true, false])
  })

  it("tells which messages are gone and which consumers are in the way", () => {
    const codes = [10037, 10043, 10057, 10099, 10100]
    expect(codes.map((code) => natsErrors.isMessageNotFound(api(code, "")))).toEqual([
      true,
      true,
      true,
      false,
      false
    ])
    expect(codes.map((code) => natsErrors.isConsumerNotUnique(api(code, "")))).toEqual([
      false,
      false,
      false,
      true,
      true
    ])
  })
})
