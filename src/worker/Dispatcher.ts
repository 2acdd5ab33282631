import { Effect } from "effect"
import type * as FunctionName from "../domain/FunctionName.ts"
import type { PullHandlers } from "../queue/CallSource.ts"
import type { Delivery } from "../queue/Delivery.ts"
import type { Live } from "../telemetry/Metrics.ts"
import type { CallsInHand } from "./CallsInHand.ts"
import type { Demand } from "./Demand.ts"
import type { Process } from "./Process.ts"
import type { PullWindow } from "./PullWindow.ts"
import type { Throttle } from "./Throttle.ts"

export interface Parts {
  readonly fn: FunctionName.FunctionName
  readonly window: PullWindow
  readonly demand: Demand
  readonly throttle: Throttle
  readonly calls: CallsInHand
  readonly process: Process["Service"]["process"]
  readonly metrics: Live
  /** runs a call beside the others */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  /** milliseconds */
  readonly now: () => number
  /** what comes from now on is for another worker */
  readonly retired: () => boolean
}

/** Takes the calls of one function as they come, and keeps its accounts while they run. */
export class Dispatcher implements PullHandlers {
  readonly #parts: Parts
  /** when a call last came or ended, milliseconds */
  busyAt: number
  /** the function's consumer answered the last request */
  sourceReady = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.busyAt = parts.now()
  }

  readonly delivered = (delivery: Delivery): void => {
    const { window, demand, calls, metrics, now, retired } = this.#parts
    if (delivery.deliveryCount > 1) metrics.redeliveries.count()
    else metrics.queueWait.record(Math.max(0, now() - delivery.acceptedMillis) / 1000)
    const expected = window.delivered()
    if (!expected || retired()) {
      delivery.nak(0)
      if (expected) window.settled()
      return
    }
    demand.delivered(delivery.pending)
    calls.add(delivery, now())
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
    const { fn, window, demand, throttle, calls, process, fork, now } = this.#parts
    const flight = throttle.flight()
    this.busyAt = now()
    fork(
      process(fn, delivery, flight).pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            flight.ended()
            const settled = exit._tag === "Success" ? exit.value : undefined
            if (settled?._tag === "Held") calls.hold(delivery)
            else calls.delete(delivery)
            if (settled?._tag === "GivenBack") demand.delay(now() + settled.delayMillis)
            this.busyAt = now()
            window.settled()
          })
        )
      )
    )
  }
}
