import { Clock, Effect } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"
import { NEWS_HOLDS } from "../domain/limiter/Constants.ts"
import { Gossip } from "../queue/Gossip.ts"
import { QueueStream } from "../queue/QueueStream.ts"
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
  const { subjects } = yield* QueueStream
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e9
  const closedMost = (2 * ackWaitMillis) / 1000

  const handBack = Effect.fnUntraced(function* ({ fn, calls, changed }: Served) {
    const count = yield* calls.giveBackHeld
    wakeUps.send(subjects.subject(fn))
    changed()
    yield* Effect.logInfo("no room for a long time, calls go back to the queue for other workers", {
      function: FunctionName.key(fn),
      calls: count
    })
  })

  const adviser: Adviser = (served) => {
    const { fn, throttle, calls, changed } = served
    const closure = new Closure()
    let othersServedAt = Number.NEGATIVE_INFINITY

    const listen = gossip.listen(fn, (news) => {
      // Who has no room either is no reason to hand anything back.
      if (news.holds > 0) othersServedAt = now()
      throttle.step({ _tag: "Gossip", news })
      changed()
    })
    const tell = Effect.suspend(() => {
      const news = throttle.news()
      if (news !== undefined) gossip.tell(fn, news)
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
