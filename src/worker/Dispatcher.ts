import { Effect } from "effect"
import type { PullHandlers } from "../queue/CallSource.ts"
import type { Delivery } from "../queue/Delivery.ts"
import type { CallsInHand } from "./CallsInHand.ts"
import type { Demand } from "./Demand.ts"
import type { GiveBack } from "./GiveBack.ts"
import type { PullWindow } from "./PullWindow.ts"
import type { Progress } from "./Progress.ts"
import type { Settled } from "./Settled.ts"
import type { Throttle } from "./Throttle.ts"

export interface Parts {
  readonly window: PullWindow
  readonly demand: Demand
  readonly throttle: Throttle
  readonly calls: CallsInHand
  readonly process: (delivery: Delivery, progress: Progress) => Effect.Effect<Settled>
  readonly handBack: GiveBack["Service"]["handBack"]
  /** is told of each delivery */
  readonly received: (delivery: Delivery, nowMillis: number) => void
  /** runs a call beside the others */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  /** milliseconds */
  readonly now: () => number
  /** what comes from now on is for another worker */
  readonly retired: () => boolean
}

/** Takes the calls of one lane as they come, and keeps its accounts while they run. */
export class Dispatcher implements PullHandlers {
  readonly #parts: Parts
  /** when a call last came or ended, milliseconds */
  busyAt: number
  /** the lane's consumer answered the last request */
  sourceReady = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.busyAt = parts.now()
  }

  readonly delivered = (delivery: Delivery): void => {
    const { window, demand, calls, fork, handBack, now, received, retired } = this.#parts
    received(delivery, now())
    const expected = window.delivered()
    if (!calls.add(delivery, now())) {
      if (expected) window.settled()
      return
    }
    if (!expected || retired()) {
      const returned = Effect.sync(() => {
        calls.delete(delivery)
        if (expected) window.settled()
      })
      fork(Effect.ensuring(handBack(delivery), returned))
      return
    }
    demand.delivered(delivery.pending)
    this.#start(delivery)
  }

  readonly ended = (reason: "empty" | "broken"): void => {
    const { window, demand } = this.#parts
    if (reason === "broken") this.sourceReady = false
    else if (window.asked > 0) demand.nothingThere()
    window.ended()
  }

  /** Sends held calls out again, as many as there are permits in hand; says how many permits are left. */
  resume(permits: number): number {
    let left = permits
    while (left > 0 && this.#parts.calls.held > 0) {
      const delivery = this.#parts.calls.resume()
      if (delivery === undefined) break
      left--
      this.#parts.window.resume()
      this.#start(delivery)
    }
    return left
  }

  #start(delivery: Delivery): void {
    const { window, demand, throttle, calls, process, fork, now } = this.#parts
    const flight = throttle.flight()
    let isStuck = false
    const stuck = () => {
      if (isStuck) return
      isStuck = true
      window.stuck()
    }
    this.busyAt = now()
    fork(
      process(delivery, { ...flight, stuck }).pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            flight.ended()
            const settled = exit._tag === "Success" ? exit.value : undefined
            if (settled?._tag === "Held") calls.hold(delivery)
            else calls.delete(delivery)
            if (settled?._tag === "GivenBack") demand.delay(now() + settled.delayMillis)
            this.busyAt = now()
            window.settled(isStuck)
          })
        )
      )
    )
  }
}
