import type { History } from "../history/History.ts"
import type { Gate } from "../world/Gate.ts"
import type { Nodes } from "../world/Nodes.ts"
import type { Place } from "../world/Places.ts"
import type { Streams } from "../world/Streams.ts"
import type { Turn } from "../world/Turn.ts"

/** Everything that a fault can happen to. */
export interface World {
  readonly history: History
  readonly nodes: Nodes
  readonly streams: Streams
  readonly workers: ReadonlyArray<Place>
  readonly gateways: ReadonlyArray<Place>
  readonly receiver: { readonly goDown: () => void; readonly comeUp: () => void }
  readonly gate: Gate
  /** faults of NATS happen one after the other */
  readonly natsTurn: Turn
  /** milliseconds of the run's clock: a fault that waits for its moment gives up then */
  readonly stormEnds: () => number
}
