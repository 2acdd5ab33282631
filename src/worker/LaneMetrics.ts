import type { Effect, Scope } from "effect"
import type { Lane } from "../domain/Lane.ts"
import type { Backlog } from "../queue/Backlog.ts"
import type { Delivery } from "../queue/Delivery.ts"
import type { Parts } from "./ActorGauges.ts"
import type { Look } from "./Look.ts"

/** What is counted of one kind of lanes, and shown of each; kinds have metrics of their own. */
export interface LaneMetrics<L extends Lane> {
  readonly delivered: (delivery: Delivery, nowMillis: number) => void
  /** Shows the state of a lane's actor for as long as the scope. */
  readonly observe: (lane: L, parts: Parts) => Effect.Effect<void, never, Scope.Scope>
  /** What the stream held when work was looked for, and its lanes with that many unfinished messages each. */
  readonly discovered: (look: Look, lanes: ReadonlyMap<L, number>) => Effect.Effect<void, never, Backlog>
}
