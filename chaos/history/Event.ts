import type { FaultKind } from "../plan/FaultKind.ts"

/** What is stored where at one moment, each part read from its own source. */
export interface Snapshot {
  /** call ids in the stream of calls, with their function */
  readonly queue: ReadonlyArray<{ readonly call: string; readonly fn: string }>
  /** call ids in the stream of callbacks; empty where there is none */
  readonly callbacks: ReadonlyArray<string>
  readonly dead: ReadonlyArray<DeadLetter>
  /** what JetStream says about each function's consumer; `unsettled` are running, held and delayed ones */
  readonly consumers: ReadonlyArray<{
    readonly fn: string
    readonly waiting: number
    readonly unsettled: number
  }>
  /** calls that functions are working on, by their own count */
  readonly running: number
  /** entries of the ledger of attempts; 0 where there is none */
  readonly ledger: number
}

export interface DeadLetter {
  readonly call: string
  readonly reason: string
  /** as its header says */
  readonly attempts: number
  /** of the run's clock, when it was stored */
  readonly storedAt: number
}

/** How a function ended an attempt. */
export type Outcome =
  /** the whole answer was sent */
  | { readonly _tag: "Answered"; readonly status: number }
  /** the connection was reset instead of an answer */
  | { readonly _tag: "Reset" }
  /** the headers and half of the body were sent, then the connection was reset */
  | { readonly _tag: "Half" }
  /** the caller went away before the answer */
  | { readonly _tag: "CallerGone" }

/** What is written down while a run goes on. `t` is milliseconds of the harness's monotonic clock. */
export type Event = { readonly t: number } & (
  | {
      readonly e: "posted"
      readonly call: string
      readonly fn: string
      readonly callback: boolean
      readonly gateway: string
    }
  /** the client has seen the 202 */
  | { readonly e: "accepted"; readonly call: string }
  /** no 202: `stored` is "no" when the answer says that the call was not stored */
  | {
      readonly e: "refused"
      readonly call: string
      readonly stored: "no" | "unknown"
      readonly detail: string
    }
  /** an attempt arrives at a function; `worker` is one life of a worker process, such as w2.1 */
  | {
      readonly e: "begin"
      readonly call: string
      readonly fn: string
      readonly id: number
      readonly worker: string
    }
  | { readonly e: "end"; readonly call: string; readonly id: number; readonly outcome: Outcome }
  /** a callback arrives at the receiver; `taken`: it was answered with a 2xx */
  | {
      readonly e: "callback"
      readonly call: string
      readonly functionStatus: number
      readonly answer: number
      readonly taken: boolean
    }
  /** seen on the wire of a worker */
  | {
      readonly e: "delivered"
      readonly worker: string
      readonly call: string
      readonly sequence: number
      readonly count: number
    }
  | { readonly e: "settled"; readonly worker: string; readonly sequence: number; readonly how: string }
  | { readonly e: "started" | "ended"; readonly program: string; readonly pid: number }
  /** `target`: a worker's or gateway's place (w2, g1), or "nats" for everybody */
  | {
      readonly e: "fault"
      readonly id: number
      readonly kind: FaultKind
      readonly target: string
      readonly detail: string
      /** the only call, or the only function, that it touches, where that is known */
      readonly call?: string
      readonly fn?: string
    }
  | { readonly e: "healed"; readonly id: number }
  /**
   * Somebody stood still for so many milliseconds because the machine had no time: calls may run again that were
   * being kept alive. `who` is a place, or "nats" for the server and for the harness, through which everything goes.
   */
  | { readonly e: "late"; readonly who: string; readonly millis: number }
  /** faults are over, everything runs again */
  | { readonly e: "calm" }
  | { readonly e: "snapshot"; readonly when: "quiet" | "end"; readonly found: Snapshot }
)

export type EventOf<E extends Event["e"]> = Extract<Event, { readonly e: E }>
