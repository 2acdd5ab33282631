import type { Effect, Option } from "effect"
import type { Lane } from "../domain/Lane.ts"
import type { Delivery } from "../queue/Delivery.ts"
import type { Adviser } from "./Adviser.ts"
import type { LaneMetrics } from "./LaneMetrics.ts"
import type { Progress } from "./Progress.ts"
import type { Settled } from "./Settled.ts"

/** What one kind of lanes has that others have otherwise; all else about lanes is the same. */
export interface LaneKind<L extends Lane> {
  /** what people call a lane of this kind */
  readonly noun: "function" | "destination" | "queue"
  /** The lane whose subject this is. */
  readonly parse: (subject: string) => Option.Option<L>
  /** How many deliveries of the lane a worker with so many slots may have in flight. */
  readonly limit: (lane: L, slots: number) => Effect.Effect<number>
  readonly process: (lane: L, delivery: Delivery, progress: Progress) => Effect.Effect<Settled>
  readonly metrics: LaneMetrics<L>
  /** They tell a lane's limiter more than its deliveries do. */
  readonly advisers: ReadonlyArray<Adviser<L>>
}
