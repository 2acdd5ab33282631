import type { Context, Event, Limiter, News } from "../../src/domain/limiter/Limiter.ts"

/** A limiter together with its state. */
export interface Cell {
  step(event: Event, now: number, context: Context): void
  room(now: number, context: Context): number
  limit(): number
  wakeAt(): number
  news(now: number, context: Context): Omit<News, "worker"> | undefined
  /** For traces and tests. */
  state(): unknown
}

export const cell = <S>(limiter: Limiter<S>, now: number): Cell => {
  let state = limiter.initial(now)
  return {
    step: (event, now, context) => {
      state = limiter.step(state, event, now, context)
    },
    room: (now, context) => limiter.room(state, now, context),
    limit: () => limiter.limit(state),
    wakeAt: () => limiter.wakeAt(state),
    news: (now, context) => limiter.news?.(state, now, context),
    state: () => state
  }
}
