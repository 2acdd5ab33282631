import * as Budget from "./Budget.ts"
import * as Clock from "./Clock.ts"
import * as Hints from "./Hints.ts"
import type { Context, Event, Kind, Limiter } from "./Limiter.ts"
import * as Loss from "./Loss.ts"
import * as Overload from "./Overload.ts"
import * as Probing from "./Probing.ts"
import * as Rejections from "./Rejections.ts"
import * as Rounds from "./Rounds.ts"
import * as Sharing from "./Sharing.ts"
import { defaults, initial, type Options, type State } from "./State.ts"
import * as Throughput from "./Throughput.ts"
import * as Tolerance from "./Tolerance.ts"
import * as Yielding from "./Yielding.ts"

type Answered = Extract<Event, { readonly _tag: "Answered" }>

/**
 * Probe, Admit by silence, Conserve, Experiment: a limit for functions whose capacity moves and is known to
 * nobody. It probes beyond what it knows to be possible, takes silence for admission, and after a rejection
 * keeps what is still in flight.
 */
export const pace = (given: Partial<Options> = {}): Limiter<State> => {
  const options: Options = { ...defaults, ...given }
  return {
    name: "PACE",
    initial: (now) => initial(options, now),
    step: (state, event, now, context) => {
      const known = Sharing.forget(observed(state, options, event, now, context))
      return decided(Rounds.settle(known, options), options, event, context.inFlight)
    },
    room: (state, now, context) => room(state, options, now, context),
    limit: (state) => state.confirmed + Rounds.beyond(state.round),
    wakeAt: (state) => wakeAt(state, options),
    news: (state, now, context) => Sharing.news(state, context, Clock.at(state, now))
  }
}

const isCompletion = (kind: Kind): boolean => kind === "success" || kind === "neutral" || kind === "timeout"

/** What every event tells, in one copy: most change nothing else. */
const observed = (state: State, options: Options, event: Event, now: number, context: Context): State => {
  const isAnswer = event._tag === "Answered"
  return {
    ...state,
    seen: Clock.seenAt(state, now),
    ahead: Clock.aheadAt(state, now),
    seq: event._tag === "Dispatched" ? event.seq : state.seq,
    wants: context.waiting > 0,
    credit: isAnswer && event.kind === "success" ? Budget.earn(state.credit) : state.credit,
    sample:
      isAnswer && isCompletion(event.kind)
        ? Throughput.sampled(state, options, event, context.inFlight)
        : state.sample
  }
}

const decided = (state: State, options: Options, event: Event, inFlight: number): State => {
  switch (event._tag) {
    case "Dispatched":
      return state.tolerance === null
        ? Rounds.dispatched(state, options, inFlight)
        : Tolerance.dispatched(state, options, state.tolerance, inFlight)
    case "Answered": {
      const learned = answered(Loss.follow(state, inFlight), options, event, inFlight)
      return Yielding.whenDue(learned, options, inFlight)
    }
    case "Hint":
      return Hints.heard(state, options, event.replicas)
    case "Gossip":
      return Sharing.heard(state, options, event.news)
    case "Tick":
      return Yielding.whenDue(state, options, inFlight)
  }
}

const answered = (state: State, options: Options, event: Answered, inFlight: number): State => {
  switch (event.kind) {
    case "success":
      return Overload.answered(Throughput.judged(admitted(state)), options)
    case "neutral":
      return Overload.answered(Throughput.judgedKindly(admitted(state)), options)
    case "rejected": {
      const { tolerance } = state
      const known =
        tolerance === null
          ? Rejections.rejected(state, options, event, inFlight)
          : Tolerance.rejected(state, options, tolerance, event.seq, inFlight)
      return Loss.heed(known, event.retryAfter)
    }
    case "timeout":
      return Overload.timedOut(Throughput.judged(admitted(state)), event.seq, options)
    case "unreachable":
      return Overload.unreachable(state, inFlight)
    case "cancelled":
      return Rounds.withdrawn(state)
  }
}

const admitted = (state: State): State =>
  state.tolerance === null ? state : Tolerance.admitted(state, state.tolerance)

/** Rule 1. */
const room = (state: State, options: Options, now: number, { inFlight, waiting }: Context): number => {
  const time = Clock.at(state, now)
  if (state.round !== null && Rounds.isOver(state.round, time)) {
    const later = { ...state, seen: Clock.seenAt(state, now), ahead: Clock.aheadAt(state, now) }
    return room(Rounds.settle(later, options), options, now, { inFlight, waiting })
  }
  const { confirmed, round } = state
  const allowed = confirmed + (round === null || round.rejected > 0 ? 0 : round.size)
  if (inFlight < allowed) return allowed - inFlight
  return waiting > 0 && Probing.mayOpen(state, options, inFlight, time) ? Probing.size(state, options) : 0
}

const wakeAt = (state: State, options: Options): number => {
  if (state.round !== null) return Clock.toCaller(state, state.round.deadline)
  if (!state.wants) return Infinity
  const next = Probing.nextAt(state, options)
  // A probe that is due already waits for calls to come back, not for time.
  return Clock.isDue(next, Clock.now(state)) ? Infinity : Clock.toCaller(state, next)
}
