/**
 * Time as the limiter sees it: seconds that never go back. When the caller's clock does, no time has passed,
 * so that no deadline moves into the far future; when it leaps ahead, deadlines are due, as they should be.
 */
export interface Clock {
  /** The caller's seconds at the last event. */
  readonly seen: number
  /** Seconds by which the limiter's time is ahead of the caller's: every step back that was ever taken. */
  readonly ahead: number
}

/** Deadlines within a microsecond are due: adding `ahead` and taking it away again may not give the same. */
const ROUNDING = 1e-6

/** The limiter's time at the last event. */
export const now = ({ ahead, seen }: Clock): number => seen + ahead

/** The limiter's time at the caller's `now`. */
export const at = (clock: Clock, now: number): number => seenAt(clock, now) + aheadAt(clock, now)

/** What is no time is the last one again. */
export const seenAt = (clock: Clock, now: number): number => (Number.isFinite(now) ? now : clock.seen)

export const aheadAt = (clock: Clock, now: number): number =>
  now < clock.seen ? clock.ahead + (clock.seen - seenAt(clock, now)) : clock.ahead

/** The caller's time of a deadline in the limiter's. */
export const toCaller = (clock: Clock, deadline: number): number => deadline - clock.ahead

export const isDue = (deadline: number, time: number): boolean => time >= deadline - ROUNDING
