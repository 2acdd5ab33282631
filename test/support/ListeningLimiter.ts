import type { Event, Limiter, News } from "../../src/domain/limiter/Limiter.ts"
import { Throttle } from "../../src/worker/Throttle.ts"

/** A throttle whose limiter does as the test says and writes down what it hears. */
export const make = () => {
  const heard: Array<Event> = []
  const is = { room: 0, limit: 0, waiting: 1, news: undefined as Omit<News, "worker"> | undefined }
  const limiter: Limiter<null> = {
    name: "listening",
    initial: () => null,
    step: (state, event) => {
      heard.push(event)
      return state
    },
    room: () => is.room,
    limit: () => is.limit,
    wakeAt: () => Number.POSITIVE_INFINITY,
    news: () => is.news
  }
  const throttle: Throttle = new Throttle<unknown>(
    limiter as Limiter<unknown>,
    () => 0,
    () => is.waiting
  )
  return {
    throttle,
    heard,
    /** what holds from now on */
    is,
    /** Something happens to the function, so that what holds now is noticed. */
    tick: () => throttle.step({ _tag: "Tick" })
  }
}
