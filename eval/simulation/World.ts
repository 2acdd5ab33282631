import type { Scenario } from "../scenarios/Scenario.ts"
import type { Backend } from "./Backend.ts"
import type { Call, Reply } from "./Call.ts"
import type { CallQueue } from "./CallQueue.ts"
import type { Recorder } from "./Recorder.ts"
import type { Timeline } from "./Timeline.ts"

/** Seconds from a worker to the backend, and the same back. */
export const network = 0.001

/** What all workers of a run share. */
export interface World {
  readonly scenario: Scenario
  readonly seed: number
  readonly timeline: Timeline
  readonly queue: CallQueue
  readonly backend: Backend
  readonly recorder: Recorder
  /** A call is done for good. */
  readonly done: (call: Call) => void
}

/** Sends a call over the network; the reply comes back over it, or `timeout` when the scenario says so. */
export const send = (
  { timeline, backend, scenario }: World,
  call: Call,
  replied: (reply: Reply | { readonly kind: "timeout" }) => void
): void => {
  let isOpen = true
  const once = (reply: Reply | { readonly kind: "timeout" }): void => {
    if (!isOpen) return
    isOpen = false
    replied(reply)
  }
  call.firstSent ??= timeline.now
  timeline.after(network, () => backend.offer(call, (reply) => timeline.after(network, () => once(reply))))
  if (scenario.timeout < Number.POSITIVE_INFINITY) {
    timeline.after(scenario.timeout, () => once({ kind: "timeout" }))
  }
}
