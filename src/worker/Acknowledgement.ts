import type { Delivery } from "../queue/Delivery.ts"
import type { Ledger } from "../queue/Ledger.ts"
import { finished, type Settled } from "./Settled.ts"

/**
 * The way of finished calls out of the queue; the only place where a delivery is acknowledged. It comes last, after
 * everything that must outlive the call is confirmed. The ledger forgets the call when it is known to be gone: with
 * the acknowledgement lost and the entry removed, it would begin its attempts anew.
 */
export const acknowledge = (ledger: Ledger["Service"], delivery: Delivery): Settled => {
  if (ledger.hasEntry(delivery)) ledger.forget(delivery, new Promise((heard) => delivery.ack(heard)))
  else delivery.ack()
  return finished
}
