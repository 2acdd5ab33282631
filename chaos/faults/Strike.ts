import { Effect } from "effect"
import type { FaultKind } from "../plan/FaultKind.ts"
import type { PlannedFault } from "../plan/Plan.ts"
import * as Kills from "./Kills.ts"
import * as NatsFaults from "./NatsFaults.ts"
import * as Operations from "./Operations.ts"
import * as WireFaults from "./WireFaults.ts"
import type { World } from "./World.ts"

export type Fault = (world: World, planned: PlannedFault) => Effect.Effect<void, unknown>

const strikes: Readonly<Record<FaultKind, Fault>> = {
  "worker-killed": Kills.atRandom("worker"),
  "gateway-killed": Kills.atRandom("gateway"),
  "worker-killed-delivered": Kills.at((meaning) => meaning._tag === "Delivered", "last"),
  "worker-killed-dead-lost": Kills.atLoss("dead"),
  "worker-killed-dead-sent": Kills.at(Kills.sent("dead"), "last"),
  "worker-killed-dead-confirmed": Kills.at(Kills.confirmed("dead"), "last"),
  "worker-killed-callback-lost": Kills.atLoss("callback"),
  "worker-killed-callback-sent": Kills.at(Kills.sent("callback"), "last"),
  "worker-killed-callback-confirmed": Kills.at(Kills.confirmed("callback"), "last"),
  "worker-killed-ledger-lost": Kills.atLoss("ledger"),
  "worker-killed-ledger-sent": Kills.at(Kills.sent("ledger"), "last"),
  "worker-killed-ledger-confirmed": Kills.at(Kills.confirmed("ledger"), "last"),
  "worker-killed-ack-sent": Kills.at(Kills.settled("ack"), "last"),
  "worker-killed-ack-lost": Kills.at(Kills.settled("ack"), "freeze"),
  "worker-killed-nak-sent": Kills.at(Kills.settled("nak"), "last"),
  "worker-killed-nak-lost": Kills.at(Kills.settled("nak"), "freeze"),
  "worker-killed-callback-ack-lost": Kills.at(Kills.settled("ack", "callback"), "freeze"),
  "worker-killed-callback-nak-lost": Kills.at(Kills.settled("nak", "callback"), "freeze"),
  "gateway-killed-confirmed": Kills.at(Kills.confirmed("call"), "freeze"),
  "worker-stopped": Operations.stopped,
  "workers-restarted": Operations.restarted("worker"),
  "gateways-restarted": Operations.restarted("gateway"),
  "receiver-down": Operations.receiverDown,
  "stream-limit": Operations.streamLimit,
  "consumer-deleted": Operations.consumerDeleted,
  "connections-cut": WireFaults.cut,
  "publishes-lost": WireFaults.publishesLost,
  "acks-lost": WireFaults.acksLost,
  "delivery-repeated": WireFaults.repeated,
  "delivery-delayed": WireFaults.delayed,
  "server-killed": NatsFaults.killed,
  "server-stopped": NatsFaults.stopped,
  "leader-killed": NatsFaults.leaderKilled,
  "node-partitioned": NatsFaults.partitioned
}

/** Lets the planned faults happen, each at its time, and waits until all are healed. */
export const strikeAll = (world: World, faults: ReadonlyArray<PlannedFault>) =>
  Effect.forEach(
    faults,
    (planned) => Effect.andThen(Effect.sleep(planned.at), strikes[planned.kind](world, planned)),
    { concurrency: "unbounded", discard: true }
  )
