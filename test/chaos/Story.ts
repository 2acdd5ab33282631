import type { Rules } from "../../chaos/checker/Rules.ts"
import type { Event, EventOf, Outcome, Snapshot } from "../../chaos/history/Event.ts"
import type { FaultKind } from "../../chaos/plan/FaultKind.ts"

export const rules: Rules = {
  functions: new Map([["fn", { limit: 2, retries: 1 }]]),
  holdsRejected: false,
  retried: new Set([429, 500, 502, 503, 504]),
  upstreamTimeout: 2_000,
  ackWait: 4_000,
  maxUnfinished: 3
}

/** Histories as short as they can be; ids and sequences count on from one event to the next. */
let last = 0

export const accepted = (t: number, call: string, callback = false): ReadonlyArray<Event> => [
  { t, e: "posted", call, fn: "fn", callback, gateway: "g1.1" },
  { t, e: "accepted", call }
]

export const refused = (t: number, call: string, stored: "no" | "unknown"): ReadonlyArray<Event> => [
  { t, e: "posted", call, fn: "fn", callback: false, gateway: "g1.1" },
  { t, e: "refused", call, stored, detail: "" }
]

/** A delivery to a worker, which has the call in hand from then on. */
export const delivered = (t: number, call: string, worker = "w1.1"): Event => ({
  t,
  e: "delivered",
  worker,
  call,
  sequence: 1,
  count: 1
})

/** What was delivered is settled. */
export const settled = (t: number, worker = "w1.1"): Event => ({
  t,
  e: "settled",
  worker,
  sequence: 1,
  how: "ack"
})

/** An attempt from one moment to another; it never ends without an outcome. */
export const attempt = (
  from: number,
  to: number,
  call: string,
  outcome: Outcome | number,
  worker = "w1.1"
): ReadonlyArray<Event> => {
  const id = ++last
  const said: Outcome = typeof outcome === "number" ? { _tag: "Answered", status: outcome } : outcome
  return [
    { t: from, e: "begin", call, fn: "fn", id, worker },
    { t: to, e: "end", call, id, outcome: said }
  ]
}

export const callback = (t: number, call: string, functionStatus = 200): Event => ({
  t,
  e: "callback",
  call,
  functionStatus,
  answer: 200,
  taken: true
})

export const fault = (
  from: number,
  to: number,
  kind: FaultKind,
  target: string,
  call?: string
): ReadonlyArray<Event> => {
  const id = ++last
  return [
    { t: from, e: "fault", id, kind, target, detail: "", ...(call === undefined ? {} : { call }) },
    { t: to, e: "healed", id }
  ]
}

const nothing: Snapshot = {
  queue: [],
  callbacks: [],
  dead: [],
  consumers: [],
  running: 0,
  ledger: 0
}

export const look = (
  t: number,
  when: "quiet" | "end",
  found: Partial<Snapshot> = {}
): EventOf<"snapshot"> => ({
  t,
  e: "snapshot",
  when,
  found: { ...nothing, ...found }
})

export const dead = (call: string, reason: string, attempts: number, storedAt = 900) => ({
  call,
  reason,
  attempts,
  storedAt
})

/** The parts of a history in the order of their times. */
export const history = (...parts: ReadonlyArray<Event | ReadonlyArray<Event>>): ReadonlyArray<Event> =>
  parts.flat().toSorted((a, b) => a.t - b.t)
