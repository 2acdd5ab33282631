import type { DeadLetter, Event, EventOf, Outcome, Snapshot } from "../history/Event.ts"
import { describe, type FaultKind } from "../plan/FaultKind.ts"
import type { Rules } from "./Rules.ts"

/** One HTTP request to a function, as the function saw it. */
export interface Attempt {
  readonly id: number
  readonly fn: string
  readonly worker: string
  readonly begin: number
  /** not before then the worker sent it: the call was handed to it, or its last attempt had ended */
  readonly sentAfter: number
  /** since then its worker has the call in hand: it may have had it for a while before it sent it */
  readonly inHandSince: number
  /** the worker settled the call then, or the call's next attempt began; Infinity before */
  readonly inHandUntil: number
  /** Infinity while it runs */
  readonly end: number
  /** undefined while it runs */
  readonly outcome: Outcome | undefined
}

/** From a call's delivery to a worker until that one settled it. */
export interface Stay {
  readonly worker: string
  readonly since: number
  /** Infinity before */
  readonly until: number
}

/** All that is known of one call. */
export interface Life {
  readonly call: string
  readonly fn: string
  readonly callback: boolean
  readonly accepted: boolean
  /** the client was told that it was not stored */
  readonly refused: boolean
  /** by their begin */
  readonly attempts: ReadonlyArray<Attempt>
  readonly stays: ReadonlyArray<Stay>
  readonly callbacks: ReadonlyArray<EventOf<"callback">>
  /** as they were at the last look */
  readonly dead: ReadonlyArray<DeadLetter>
}

interface Fault {
  readonly kind: FaultKind | "late"
  readonly target: string
  /** the only call, or function, that it touches; undefined for all */
  readonly call: string | undefined
  readonly fn: string | undefined
  /** a call may run again because of it, up to so many milliseconds after its end */
  readonly mayRepeat: boolean
  readonly aftermath: number
  readonly begin: number
  /** when it was healed; Infinity before */
  readonly end: number
}

/** A history, sorted by what rules ask for. */
export interface Case {
  readonly rules: Rules
  readonly lives: ReadonlyMap<string, Life>
  readonly faults: ReadonlyArray<Fault>
  readonly snapshots: ReadonlyArray<EventOf<"snapshot">>
  /** the last look; undefined when there was none */
  readonly end: Snapshot | undefined
}

type DraftOfAttempt = { -readonly [Key in keyof Attempt]: Attempt[Key] }
type DraftOfStay = { -readonly [Key in keyof Stay]: Stay[Key] }
type Draft = { -readonly [Key in keyof Omit<Life, "stays">]: Life[Key] } & {
  attempts: Array<DraftOfAttempt>
  stays: Array<DraftOfStay>
  callbacks: Array<EventOf<"callback">>
}

export const read = (events: ReadonlyArray<Event>, rules: Rules): Case => {
  const lives = new Map<string, Draft>()
  const life = (call: string, fn = ""): Draft => {
    const known = lives.get(call)
    if (known !== undefined) return known
    const made: Draft = {
      call,
      fn,
      callback: false,
      accepted: false,
      refused: false,
      attempts: [],
      stays: [],
      callbacks: [],
      dead: []
    }
    lives.set(call, made)
    return made
  }
  const faults = new Map<number, { -readonly [Key in keyof Fault]: Fault[Key] }>()
  const running = new Map<number, DraftOfAttempt>()
  const inHand = new Map<string, number>()
  const handedOver = new Map<string, number>()
  const calls = new Map<number, string>()
  const late: Array<Fault> = []
  const snapshots: Array<EventOf<"snapshot">> = []
  for (const event of events) {
    switch (event.e) {
      case "posted":
        life(event.call, event.fn).callback = event.callback
        break
      case "accepted":
        life(event.call).accepted = true
        break
      case "refused":
        life(event.call).refused = event.stored === "no"
        break
      case "begin": {
        const { call, fn, id, t: begin, worker } = event
        const where = `${call} in ${worker}`
        const sentAfter = inHand.get(where) ?? begin
        const inHandSince = handedOver.get(where) ?? begin
        const attempt = {
          id,
          fn,
          worker,
          begin,
          sentAfter,
          inHandSince,
          inHandUntil: Number.POSITIVE_INFINITY,
          end: Number.POSITIVE_INFINITY,
          outcome: undefined
        }
        running.set(id, attempt)
        const { attempts } = life(event.call, fn)
        endsStay(attempts.at(-1), begin)
        attempts.push(attempt)
        break
      }
      case "delivered": {
        const where = `${event.call} in ${event.worker}`
        inHand.set(where, event.t)
        if (!handedOver.has(where)) {
          handedOver.set(where, event.t)
          life(event.call).stays.push({
            worker: event.worker,
            since: event.t,
            until: Number.POSITIVE_INFINITY
          })
        }
        calls.set(event.sequence, event.call)
        break
      }
      case "settled": {
        const call = calls.get(event.sequence) ?? ""
        if (handedOver.delete(`${call} in ${event.worker}`)) {
          const stay = life(call).stays.findLast(({ worker }) => worker === event.worker)
          if (stay !== undefined) stay.until = event.t
        }
        endsStay(
          life(call).attempts.findLast(({ worker }) => worker === event.worker),
          event.t
        )
        break
      }
      case "ended":
        // Who comes to its place has nothing in hand of what it had.
        for (const { stays } of lives.values()) {
          for (const stay of stays) {
            if (stay.worker === event.program) stay.until = Math.min(stay.until, event.t)
          }
        }
        break
      case "end": {
        const attempt = running.get(event.id)
        if (attempt === undefined) break
        Object.assign(attempt, { end: event.t, outcome: event.outcome })
        inHand.set(`${event.call} in ${attempt.worker}`, event.t)
        break
      }
      case "callback":
        life(event.call).callbacks.push(event)
        break
      case "fault": {
        const { call, fn, kind, t: begin, target } = event
        const { aftermath, mayRepeat } = describe(kind)
        faults.set(event.id, {
          kind,
          target,
          call,
          fn,
          mayRepeat,
          aftermath,
          begin,
          end: Number.POSITIVE_INFINITY
        })
        break
      }
      case "healed": {
        const fault = faults.get(event.id)
        if (fault !== undefined) fault.end = event.t
        break
      }
      case "late":
        late.push({
          kind: "late",
          target: event.who,
          call: undefined,
          fn: undefined,
          mayRepeat: true,
          aftermath: rules.ackWait,
          begin: event.t - event.millis,
          end: event.t
        })
        break
      case "snapshot":
        snapshots.push(event)
        break
    }
  }
  const end = snapshots.at(-1)?.found
  for (const [call, letters] of Map.groupBy(end?.dead ?? [], (letter) => letter.call))
    life(call).dead = letters
  return { rules, lives, faults: [...faults.values(), ...late], snapshots, end }
}

/** What it had in hand is settled, or somebody else's. */
const endsStay = (attempt: DraftOfAttempt | undefined, t: number): void => {
  if (attempt !== undefined) attempt.inHandUntil = Math.min(attempt.inHandUntil, t)
}

/** An answer that finishes the call. */
export const isFinal = (outcome: Outcome | undefined, rules: Rules): boolean =>
  outcome?._tag === "Answered" && !rules.retried.has(outcome.status)

/** An attempt that uses up one of those the call may have, so far as the function can tell. */
export const isFailure = (attempt: Attempt, rules: Rules): boolean => {
  const { holdsRejected, retried } = rules
  const { outcome } = attempt
  if (outcome === undefined) return false
  switch (outcome._tag) {
    case "Answered":
      // The functions send a 503 with Retry-After only: no room, as a 429.
      if (holdsRejected && (outcome.status === 429 || outcome.status === 503)) return false
      return retried.has(outcome.status)
    case "Reset":
    case "Half":
      return true
    case "CallerGone":
      return mayHaveTimedOut(attempt, attempt.end, rules)
  }
}

/** A request may take a while to arrive: its worker may have given up though the function says something else. */
export const mayHaveTimedOut = ({ sentAfter }: Attempt, t: number, { upstreamTimeout }: Rules): boolean =>
  t - sentAfter >= upstreamTimeout * TIMEOUT_SHARE

/** A caller that waited for nearly as long as it may has given up and was not killed. */
const TIMEOUT_SHARE = 0.9

/** The program's place: that of w2.3 is w2. */
export const placeOf = (life: string): string => life.replace(/\..*/, "")

/**
 * Whether something happened between two moments because of which the call may run again: to one of these workers
 * (any when not given), to the wire of this call, or to everybody.
 */
export const isExcused = (
  { faults, lives }: Case,
  call: string,
  from: number,
  to: number,
  workers?: ReadonlyArray<string>
): boolean =>
  faults.some((fault) => {
    const concerned =
      fault.target === "nats" ||
      fault.call === call ||
      workers === undefined ||
      workers.map(placeOf).includes(fault.target)
    return (
      fault.mayRepeat &&
      concerned &&
      (fault.call === undefined || fault.call === call) &&
      (fault.fn === undefined || fault.fn === lives.get(call)?.fn) &&
      fault.begin <= to &&
      fault.end + fault.aftermath >= from
    )
  })
