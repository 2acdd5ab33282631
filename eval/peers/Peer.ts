import type { Context, Event, Kind, Limiter } from "../../src/domain/limiter/Limiter.ts"

/** One attempt that came back, as a client library sees it. */
export interface Sample {
  /** Seconds. */
  readonly now: number
  readonly seq: number
  /** The number of the latest attempt that has left. */
  readonly lastSeq: number
  readonly kind: Kind
  /** Seconds from leaving to the answer. */
  readonly latency: number
  /** Permits in use when it left, its own included. */
  readonly inFlight: number
  /** Permits in use now. */
  readonly inFlightNow: number
}

/** A published rule: how a sample changes the limit. */
export interface Law<L> {
  readonly name: string
  readonly initial: (now: number) => L
  readonly sample: (law: L, sample: Sample) => L
  /** May have a fraction; whole permits are given out. */
  readonly limit: (law: L) => number
}

interface State<L> {
  readonly law: L
  readonly lastSeq: number
  /** Permits in use when each attempt left. Kept in place: these libraries write it on their permits. */
  readonly sent: Map<number, number>
}

/** A client library's rule as a limiter: a permit is free as long as fewer than the limit are in use. */
export const peer = <L>(law: Law<L>): Limiter<State<L>> => ({
  name: law.name,
  initial: (now) => ({ law: law.initial(now), lastSeq: 0, sent: new Map() }),
  step: (state, event, now, context) => step(law, state, event, now, context),
  room: (state, _, { inFlight }) => Math.max(0, Math.floor(law.limit(state.law)) - inFlight),
  limit: (state) => Math.floor(law.limit(state.law)),
  wakeAt: () => Number.POSITIVE_INFINITY
})

const step = <L>(
  law: Law<L>,
  state: State<L>,
  event: Event,
  now: number,
  { inFlight }: Context
): State<L> => {
  const { sent, lastSeq } = state
  if (event._tag === "Dispatched") {
    sent.set(event.seq, inFlight)
    return { ...state, lastSeq: event.seq }
  }
  if (event._tag !== "Answered") return state
  const { seq, kind, latency } = event
  const sample = { now, seq, lastSeq, kind, latency, inFlight: sent.get(seq) ?? 0, inFlightNow: inFlight }
  sent.delete(seq)
  return { ...state, law: law.sample(state.law, sample) }
}

/** The answers that these libraries call dropped. */
export const isDrop = (kind: Kind): boolean => kind === "rejected" || kind === "timeout"

export const clamp = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value))
