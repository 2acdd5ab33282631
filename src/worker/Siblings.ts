import { Clock, Effect } from "effect"
import type { FunctionLane } from "../domain/FunctionLane.ts"
import { NEWS_HOLDS } from "../domain/limiter/Constants.ts"
import { Gossip } from "../queue/Gossip.ts"
import { WakeUps } from "../queue/WakeUps.ts"
import { type Adviser, type Served, whileHeldBack } from "./Adviser.ts"
import { Closure } from "./Closure.ts"

/**
 * The other workers that serve a function: what each knows is told to all, and calls that are held here go back
 * to the queue when the function has been closed to this worker for more than two `ack_wait` and serves others.
 */
export const make = Effect.fnUntraced(function* (ackWaitMillis: number) {
  const gossip = yield* Gossip
  const wakeUps = yield* WakeUps
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e9
  const closedMost = (2 * ackWaitMillis) / 1000

  const handBack = Effect.fnUntraced(function* ({ lane, calls, changed }: Served<FunctionLane>) {
    const count = yield* calls.giveBackHeld
    wakeUps.send(lane.subject)
    changed()
    yield* Effect.logInfo("no room for a long time, calls go back to the queue for other workers", {
      function: lane.key,
      calls: count
    })
  })

  const adviser: Adviser<FunctionLane> = (served) => {
    const { lane, throttle, calls, changed } = served
    const closure = new Closure()
    let othersServedAt = Number.NEGATIVE_INFINITY

    const tellNews = () => {
      const news = throttle.news()
      if (news !== undefined) gossip.tell(lane.fn, news)
    }
    const listen = gossip.listen(lane.fn, (news) => {
      // Who has no room either is no reason to hand anything back.
      if (news.holds > 0) othersServedAt = now()
      throttle.step({ _tag: "Gossip", news })
      changed()
      // Without anything held back, nothing is told but this.
      if (news.wants && news.holds === 0 && !throttle.holdsBack) tellNews()
    })
    const tell = Effect.suspend(() => {
      tellNews()
      const closedFor = closure.look(throttle.limit, now())
      const othersServe = now() - othersServedAt <= NEWS_HOLDS
      if (calls.held === 0 || !othersServe || closedFor <= closedMost) return Effect.void
      // Held calls are delivered first, and maybe to us again: each may go round once in that time.
      closure.restart(now())
      return handBack(served)
    })
    return Effect.scoped(Effect.andThen(listen, whileHeldBack(throttle, tell)))
  }
  return adviser
})
