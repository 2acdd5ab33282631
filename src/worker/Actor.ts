import { Clock, Duration, Effect, FiberSet, Latch } from "effect"
import type * as FunctionName from "../domain/FunctionName.ts"
import * as Limiter from "../domain/Limiter.ts"
import { Functions } from "../functions/Functions.ts"
import { CallSources, type PullHandlers } from "../queue/CallSource.ts"
import type { Delivery } from "../queue/Delivery.ts"
import type { QueueError } from "../queue/QueueError.ts"
import { Demand } from "./Demand.ts"
import { limitOf } from "./FunctionLimit.ts"
import { Process } from "./Process.ts"
import { PullWindow } from "./PullWindow.ts"
import { RunningCalls } from "./RunningCalls.ts"
import type { Slots } from "./Slots.ts"

export interface ActorOptions {
  /** the worker's slots, which all actors share */
  readonly slots: Slots
  readonly ackWaitMillis: number
  /** how long an actor without work stays, milliseconds */
  readonly inactiveThresholdMillis: number
  /** how long the server keeps a consumer that nobody pulls from, milliseconds */
  readonly serverThresholdMillis: number
}

/** One function's actor, as its supervisor sees it. */
export interface Actor {
  readonly fn: FunctionName.FunctionName
  /** A call was published just now. */
  readonly published: () => void
  /** The queue holds so many unfinished calls of the function, those of this actor included. */
  readonly backlog: (unfinished: number) => void
  /** Pull no more; `run` ends when the running calls have ended. */
  readonly retire: () => void
  /** Takes no more work, now or ever. */
  readonly ended: () => boolean
  /** Serves the function until there was nothing to do for `inactiveThresholdMillis`, or `retire`. */
  readonly run: Effect.Effect<void, QueueError>
}

/** On a cluster a call is stored a moment before its consumer can see it: a pull after a wake-up waits so long. */
const FRESH_WAIT_MILLIS = 25

/** How to make actors. */
export const factory = Effect.fnUntraced(function* (options: ActorOptions) {
  const sources = yield* CallSources
  const functions = yield* Functions
  const { process } = yield* Process
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()

  /** The server must hear of us before it forgets the consumer, also while all calls wait for a retry. */
  const lookEveryMillis = Math.min(options.inactiveThresholdMillis, options.serverThresholdMillis / 3)

  return (fn: FunctionName.FunctionName): Actor => {
    const turn = Latch.makeUnsafe(true)
    const retirement = Latch.makeUnsafe(false)
    const demand = new Demand()
    let unfinishedInQueue = 0
    let limitMayHaveChanged = false
    let retired = false
    let ended = false

    const serve = Effect.gen(function* () {
      const window = new PullWindow(options.slots, demand, () => turn.openUnsafe())
      yield* Effect.addFinalizer(() => Effect.sync(() => window.leave()))
      const running = new RunningCalls()
      yield* Effect.forkScoped(running.keepAlive(options.ackWaitMillis))
      const calls = yield* FiberSet.make()
      const fork = yield* FiberSet.runtime(calls)()

      let limiter = Limiter.fixed(0)
      let limiterState = limiter.initial
      limitMayHaveChanged = true
      let sourceReady = false
      /** when something last happened, and when we last looked whether there is anything to do */
      let busyAt = now()
      let lookedAt = busyAt

      const learn = (event: Limiter.Event) => {
        limiterState = limiter.step(limiterState, event, now() / 1000)
      }

      const execute = (delivery: Delivery) =>
        process(fn, delivery, (signal, latencySeconds) =>
          learn({ _tag: "Answered", signal, latencySeconds, inFlight: window.running - 1 })
        ).pipe(
          Effect.onExit((exit) =>
            Effect.sync(() => {
              if (exit._tag === "Success" && exit.value._tag === "GivenBack") {
                demand.delay(now() + exit.value.delayMillis)
              }
              running.delete(delivery)
              busyAt = now()
              window.settled()
            })
          )
        )

      const handlers: PullHandlers = {
        delivered: (delivery) => {
          const expected = window.delivered()
          if (!expected || retired) {
            delivery.nak(0)
            if (expected) window.settled()
            return
          }
          demand.delivered(delivery.pending)
          running.add(delivery, now())
          learn({ _tag: "Dispatched", inFlight: window.running })
          fork(execute(delivery))
        },
        ended: (reason) => {
          if (reason !== "empty") sourceReady = false
          else if (window.asked > 0) demand.nothingThere()
          window.ended()
        }
      }
      const source = yield* sources.open(fn, handlers)

      /** Takes in what has changed since the last turn. */
      const catchUp = Effect.gen(function* () {
        if (!sourceReady) {
          sourceReady = true
          yield* Effect.raceFirst(source.prepare, retirement.await)
          demand.atLeast(1)
        }
        if (limitMayHaveChanged) {
          limitMayHaveChanged = false
          const limit = limitOf(yield* functions.find(fn), options.slots.capacity)
          if (limit !== limiter.limit(limiterState)) {
            limiter = Limiter.fixed(limit)
            limiterState = limiter.initial
          }
        }
        demand.advance(now())
        demand.atLeast(unfinishedInQueue - window.running - window.asked - demand.delayed)
        unfinishedInQueue = 0
      })

      /** True when nothing was to be done for long enough to end. */
      const nothingLeft = Effect.gen(function* () {
        lookedAt = now()
        if ((yield* Effect.raceFirst(source.unfinished, retirement.await)) !== 0) {
          demand.atLeast(1)
          return false
        }
        // A call that is published from here on needs another actor.
        ended = now() - busyAt >= options.inactiveThresholdMillis && demand.expected === 0
        return ended
      })

      const loop = Effect.gen(function* () {
        while (true) {
          turn.closeUnsafe()
          yield* catchUp
          if (retired) return
          const count = window.pull(limiter.limit(limiterState))
          if (count > 0) {
            busyAt = now()
            source.ask(count, demand.takeFresh() ? FRESH_WAIT_MILLIS : 0)
          }
          const resting = window.idle && demand.expected === 0
          const lookAt = resting ? Math.max(busyAt, lookedAt) + lookEveryMillis : Number.POSITIVE_INFINITY
          if (now() >= lookAt) {
            if (yield* nothingLeft) return
            continue
          }
          const wakeAt = Math.min(demand.nextDue(), limiter.wakeAt(limiterState) * 1000, lookAt)
          if (wakeAt === Number.POSITIVE_INFINITY) yield* turn.await
          else yield* turn.await.pipe(Effect.timeoutOption(Duration.millis(Math.max(0, wakeAt - now()))))
        }
      })

      /** Asks for nothing more, and waits until everything that was asked for is settled. */
      const finish = Effect.gen(function* () {
        while (true) {
          turn.closeUnsafe()
          window.stop()
          if (window.idle) return
          yield* turn.await
        }
      })

      const exit = yield* Effect.exit(loop)
      // Also when the loop has failed: what runs or comes is not run again somewhere else because of us.
      yield* finish
      return yield* exit
    })

    return {
      fn,
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
