import { describe, expect, it } from "vitest"
import * as AckSubject from "../../src/queue/AckSubject.ts"

const told = { deliveryCount: 2, streamSequence: 17, acceptedMillis: 1_700_000_000_123, pending: 5 }
const tail = "OF_q.worker.2.17.9.1700000000123000000.5"

describe("what JetStream says about a delivery", () => {
  it.each([
    ["of servers up to 2.14", `$JS.ACK.${tail}`],
    ["with domain and account", `$JS.ACK.hub.ACC.${tail}`],
    ["with a token at the end", `$JS.ACK._.ACC.${tail}.x7Ff`]
  ])("is read from the subject %s", (_, subject) => {
    expect(AckSubject.parse(subject)).toEqual(told)
  })

  it.each(["", "_INBOX.x.1", `$JS.API.${tail}`, `X.ACK.${tail}`, "$JS.ACK.OF_q.worker.2.17.9.soon.5"])(
    "is not in %j",
    (subject) => {
      expect(AckSubject.parse(subject)).toBeUndefined()
    }
  )
})
