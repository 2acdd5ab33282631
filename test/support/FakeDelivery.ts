import type { Delivery } from "../../src/queue/Delivery.ts"

/** A delivery that no server has made, of the first call of a stream. */
export const fakeDelivery = (given: Partial<Delivery> = {}): Delivery => ({
  deliveryCount: 1,
  streamSequence: 1,
  acceptedMillis: 0,
  pending: 0,
  subject: "faas-request.echo.openfaas-fn",
  streamCreated: "2026-11-20T00:00:00Z",
  consumer: "c",
  data: new Uint8Array(0),
  movedWith: undefined,
  replyTo: "",
  settled: () => false,
  renewal: undefined,
  ack: () => {},
  nak: () => {},
  working: () => {},
  ...given
})
