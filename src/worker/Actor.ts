import { Clock, Duration, Effect, FiberSet, Latch } from "effect"
import { ackWaitMillis, type Lane } from "../domain/Lane.ts"
import type { Limiter } from "../domain/limiter/Limiter.ts"
import { CallSources } from "../queue/CallSource.ts"
import { lastly } from "../queue/LastWords.ts"
import type { QueueError } from "../queue/QueueError.ts"
import { CallsInHand } from "./CallsInHand.ts"
import { Demand } from "./Demand.ts"
import { Dispatcher } from "./Dispatcher.ts"
import { GiveBack } from "./GiveBack.ts"
import type { LaneKind } from "./LaneKind.ts"
import { PullWindow } from "./PullWindow.ts"
import type { Slots } from "./Slots.ts"
import { Throttle } from "./Throttle.ts"

export interface ActorOptions {
  /** the worker's slots, which all actors share */
  readonly slots: Slots
  /** how a lane's limit is found, below the given one */
  readonly limiter: (maxLimit: number) => Limiter<unknown>
  readonly ackWaitMillis: number
  /** how long an actor without work stays, milliseconds */
  readonly inactiveThresholdMillis: number
  /** how long the server keeps a consumer that nobody pulls from, milliseconds */
  readonly serverThresholdMillis: number
}

/** One lane's actor, as its supervisor sees it. */
export interface Actor {
  readonly lane: Lane
  /** A call was published just now. */
  readonly published: () => void
  /** The queue holds so many unfinished calls of the lane, those of this actor included. */
  readonly backlog: (unfinished: number) => void
  /** Pull no more; `run` ends when the running calls have ended. */
  readonly retire: () => void
  /** Takes no more work, now or ever. */
  readonly ended: () => boolean
  /** Serves the lane until there was nothing to do for `inactiveThresholdMillis`, or `retire`. */
  readonly run: Effect.Effect<void, QueueError>
}

/** On a cluster a call is stored a moment before its consumer can see it: a pull after a wake-up waits so long. */
const FRESH_WAIT_MILLIS = 25

/** How to make the actors of one kind of lanes. */
export const factory = Effect.fnUntraced(function* <L extends Lane>(
  kind: LaneKind<L>,
  options: ActorOptions
) {
  const sources = yield* CallSources
  const { handBack } = yield* GiveBack
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const seconds = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e9

  /** The server must hear of us before it forgets the consumer, also while all calls wait for a retry. */
  const lookEveryMillis = Math.min(options.inactiveThresholdMillis, options.serverThresholdMillis / 3)

  return (lane: L): Actor => {
    const turn = Latch.makeUnsafe(true)
    const retirement = Latch.makeUnsafe(false)
    const demand = new Demand()
    let unfinishedInQueue = 0
    let limitMayHaveChanged = true
    let retired = false
    let ended = false

    const serve = Effect.gen(function* () {
      const window = new PullWindow(options.slots, () => turn.openUnsafe())
      yield* Effect.addFinalizer(() => Effect.sync(() => window.leave()))
      const calls = new CallsInHand(handBack)
      yield* Effect.addFinalizer(() => lastly(calls.giveBackHeld))
      yield* Effect.forkScoped(calls.keepAlive(ackWaitMillis(lane, options.ackWaitMillis)))
      const fibers = yield* FiberSet.make()
      const fork = yield* FiberSet.runtime(fibers)()

      limitMayHaveChanged = true
      let maxLimit = options.slots.capacity
      const throttle = new Throttle(options.limiter(maxLimit), seconds, () => demand.expected + calls.held)
      const dispatcher = new Dispatcher({
        window,
        demand,
        throttle,
        calls,
        process: (delivery, progress) => kind.process(lane, delivery, progress),
        received: kind.metrics.delivered,
        handBack,
        fork,
        now,
        retired: () => retired
      })
      yield* kind.metrics.observe(lane, { window, demand, throttle, calls })
      const source = yield* sources.open(lane, dispatcher)
      /** Nobody would know of a call that comes when nobody listens any more: it would look like a lost worker's. */
      const allHasCome = Effect.gen(function* () {
        while (window.asked > 0) {
          turn.closeUnsafe()
          yield* turn.await
        }
      })
      yield* Effect.addFinalizer(() => lastly(allHasCome))
      let lookedAt = now()

      /** Takes in what has changed since the last turn. */
      const catchUp = Effect.gen(function* () {
        if (!dispatcher.sourceReady) {
          dispatcher.sourceReady = true
          yield* Effect.raceFirst(source.prepare, retirement.await)
          demand.atLeast(1)
        }
        if (limitMayHaveChanged) {
          limitMayHaveChanged = false
          const limit = yield* kind.limit(lane, options.slots.capacity)
          if (limit !== maxLimit) throttle.use(options.limiter(limit))
          maxLimit = limit
        }
        demand.advance(now())
        demand.discovered(unfinishedInQueue - window.running - window.asked - calls.held - demand.delayed)
        unfinishedInQueue = 0
        throttle.update()
      })

      /** Takes what limit and slots allow, for held calls first, and asks for the rest. */
      const pull = () => {
        const asking = window.asked > 0 ? 0 : demand.expected
        const allowed = Math.min(maxLimit, throttle.allowed)
        const permits = dispatcher.resume(window.claim(allowed, calls.held + asking))
        const count = permits > 0 ? window.ask() : 0
        if (count > 0) source.ask(count, demand.takeFresh() ? FRESH_WAIT_MILLIS : 0)
      }

      /** True when nothing was to be done for long enough to end. */
      const nothingLeft = Effect.gen(function* () {
        lookedAt = now()
        if ((yield* Effect.raceFirst(source.unfinished, retirement.await)) !== 0) {
          demand.atLeast(1)
          return false
        }
        // A call that is published from here on needs another actor.
        ended = now() - dispatcher.busyAt >= options.inactiveThresholdMillis && demand.expected === 0
        return ended
      })

      const loop = Effect.gen(function* () {
        while (true) {
          turn.closeUnsafe()
          yield* catchUp
          if (retired) return
          pull()
          const resting = window.idle && demand.expected === 0 && calls.held === 0
          const lookAt = resting
            ? Math.max(dispatcher.busyAt, lookedAt) + lookEveryMillis
            : Number.POSITIVE_INFINITY
          if (now() >= lookAt) {
            if (yield* nothingLeft) return
            continue
          }
          const sleep = Math.min(
            demand.nextDue() - now(),
            lookAt - now(),
            Math.ceil((throttle.wakeAt - seconds()) * 1000)
          )
          if (sleep === Number.POSITIVE_INFINITY) yield* turn.await
          else yield* turn.await.pipe(Effect.timeoutOption(Duration.millis(Math.max(0, sleep))))
        }
      })

      /** Asks for nothing more, gives back what waits here, and waits until the rest is settled. */
      const finish = Effect.gen(function* () {
        while (true) {
          turn.closeUnsafe()
          window.stop()
          yield* calls.giveBackHeld
          if (window.idle) return
          yield* turn.await
        }
      })

      const served = { lane, throttle, calls, changed: () => turn.openUnsafe() }
      const advice = kind.advisers.map((adviser) => adviser(served))
      const exit = yield* Effect.exit(Effect.raceAllFirst([loop, ...advice]))
      // Also when the loop has failed: what runs or comes is not run again somewhere else because of us.
      yield* finish
      return yield* exit
    })

    return {
      lane,
      published: () => {
        demand.published()
        turn.openUnsafe()
      },
      backlog: (unfinished) => {
        unfinishedInQueue = unfinished
        limitMayHaveChanged = true
        turn.openUnsafe()
      },
      retire: () => {
        retired = true
        retirement.openUnsafe()
        turn.openUnsafe()
      },
      ended: () => ended || retired,
      run: Effect.scoped(serve)
    }
  }
})
