import { describe, expect, it } from "vitest"
import * as NatsAddress from "../../src/queue/NatsAddress.ts"

describe("the address of NATS", () => {
  it.each([
    ["nats://one", { servers: ["one:4222"] }],
    ["nats://one:1,nats://two:2", { servers: ["one:1", "two:2"] }],
    ["nats://t%40ken@one", { servers: ["one:4222"], token: "t@ken" }],
    ["nats://me:s%3Acret@one,nats://two", { servers: ["one:4222", "two:4222"], user: "me", pass: "s:cret" }],
    ["tls://one", { servers: ["one:4222"], tls: {} }]
  ])("%s tells the client whom it connects to and as whom", (url, options) => {
    expect(NatsAddress.connectionOptions(url)).toEqual(options)
  })

  it("shows no credentials", () => {
    const url = "nats://me:secret@one:1,tls://token@two"
    expect(NatsAddress.withoutCredentials(url)).toBe("nats://one:1,tls://two:4222")
    expect([url, "nats://one"].map(NatsAddress.hasCredentials)).toEqual([true, false])
  })
})
