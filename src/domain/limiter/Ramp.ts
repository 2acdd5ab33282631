/** Calls beyond the confirmed concurrency that are out to be admitted or rejected. */
export interface Round {
  /** Probes that may leave. */
  readonly size: number
  /** The most by which the confirmed concurrency was exceeded. */
  readonly sent: number
  readonly rejected: number
  /** Who is not rejected by then has been admitted. */
  readonly deadline: number
}

/** A run of rounds that goes on until a probe is rejected. */
export interface Ramp {
  /** Probes of the next round, if that many are allowed. */
  readonly size: number
  /** No round before this time. */
  readonly nextAt: number
  /** It costs nothing: the way to a level that was there a moment ago, or that others told of. */
  readonly free: boolean
  /** That level; 0 when it goes nowhere in particular. */
  readonly returnTo: number
  /** The level at which it ends even if no probe was rejected: as far as there is reason to look. */
  readonly enough: number | null
  /** When the level was lost, if it was. */
  readonly lostAt: number | null
  /** When a probe last left that the budget did not allow. */
  readonly unpaidAt: number
}

export const start = (now: number): Ramp => ({
  size: 1,
  nextAt: now,
  free: false,
  returnTo: 0,
  enough: null,
  lostAt: null,
  unpaidAt: now
})

/** Nowhere in particular, one by one. */
export const onward = (ramp: Ramp, nextAt: number): Ramp => ({ ...start(nextAt), unpaidAt: ramp.unpaidAt })

/** To a level that should be possible. */
export const to = (ramp: Ramp, level: number, nextAt: number): Ramp => ({
  ...ramp,
  size: 1,
  nextAt,
  free: true,
  returnTo: Math.max(level, ramp.returnTo),
  enough: null
})

/** A call that was counted in that level turns out to have been rejected. */
export const lower = (ramp: Ramp): Ramp =>
  ramp.returnTo > 0 ? { ...ramp, returnTo: Math.max(1, ramp.returnTo - 1) } : ramp

/** As far as it was to go. */
export const isDone = ({ enough }: Ramp, confirmed: number): boolean => enough !== null && confirmed >= enough

/** At the level it went to, or not under way to any. */
export const hasArrived = (ramp: Ramp, confirmed: number): boolean => confirmed >= ramp.returnTo

/**
 * Everything the last round sent was admitted: twice as many, at once. Beyond a level it feels its way again.
 */
export const faster = (ramp: Ramp, round: Round, confirmed: number, time: number): Ramp => {
  if (ramp.returnTo > 0 && hasArrived(ramp, confirmed)) return onward(ramp, time)
  return { ...ramp, size: round.sent < round.size ? ramp.size : 2 * round.size, nextAt: time }
}
