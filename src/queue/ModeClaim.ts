import { Duration, Effect, Layer } from "effect"
import * as ScalingMode from "../domain/ScalingMode.ts"
import * as ModeConsumers from "./ModeConsumers.ts"
import * as ModeRivals from "./ModeRivals.ts"
import { QueueHealth } from "./QueueHealth.ts"
import { QueueStream } from "./QueueStream.ts"

/**
 * The right to serve the queue in a mode; building the layer waits for it. One that wants to waits, not ready, for
 * as long as workers of the other mode are alive, then removes their consumers, which would keep it from making its
 * own: the calls stay in the stream, and the ledger has their attempts and delays.
 *
 * Whoever is not heard although alive loses nothing: its calls are delivered again. When it is back it may make its
 * consumers again, and then keeps the other mode from its own for as long as it is alive.
 */
export const layer = (mode: ScalingMode.ScalingMode) => Layer.effectDiscard(claim(mode))

/** How often rivals are asked for: while the other mode is in force, which takes its time, and otherwise. */
const ASK_SELDOM = Duration.millis(500)
const ASK_OFTEN = Duration.millis(100)

const claim = Effect.fnUntraced(function* (mode: ScalingMode.ScalingMode) {
  const { queue } = yield* QueueStream
  const health = yield* QueueHealth
  const other = ScalingMode.other(mode)
  let serving = false
  const consumers = yield* ModeConsumers.make(mode, (detail) => {
    if (!serving) health.report("mode", { ok: false, detail })
  })
  const rivals = yield* ModeRivals.make(mode)

  const notReady = `waits until no worker in ${other} mode serves the queue`
  const waitForTurn = Effect.gen(function* () {
    let told = false
    rivals.listenAnew()
    while (true) {
      const present = yield* consumers.inForce
      health.report("mode", { ok: false, detail: notReady })
      yield* rivals.ask(present === other ? ASK_SELDOM : ASK_OFTEN)
      const inTheWay = rivals.alive().filter((rival) => ScalingMode.yieldsTo(mode, present, rival))
      if (inTheWay.length === 0) {
        if (rivals.listenedFor() >= ScalingMode.patience(mode, present)) return
      } else if (!told) {
        told = true
        yield* Effect.logWarning(`${notReady}: stop all of them, then it goes on by itself`, {
          queue,
          scaling_mode: mode,
          workers: inTheWay.length
        })
      }
    }
  })

  /** The consumers of workers that were back for a while would stay, and in the way, for minutes. */
  const outlast = Effect.gen(function* () {
    yield* rivals.contested.await
    rivals.listenAnew()
    while (true) {
      yield* rivals.ask(ASK_SELDOM)
      const isAlone = !rivals.alive().includes("serving")
      if (isAlone && rivals.listenedFor() >= ScalingMode.RIVAL_MILLIS) break
    }
    // Before the look: who comes back meanwhile is outlasted anew.
    rivals.contested.closeUnsafe()
    yield* consumers.removeTheirs
  }).pipe(Effect.catch(({ message }) => Effect.logError(message, { queue, scaling_mode: mode })))

  health.report("mode", { ok: false, detail: notReady })
  yield* waitForTurn
  serving = true
  rivals.serve()
  yield* consumers.removeTheirs
  yield* Effect.forkScoped(Effect.forever(outlast))
  const contestedBy = Effect.suspend(() =>
    rivals.contested.isOpen() ? consumers.theirs : Effect.succeed([])
  )
  health.check(
    "mode",
    Effect.match(contestedBy, {
      onFailure: ({ message }) => ({ ok: false, detail: message }),
      onSuccess: (names) =>
        names.length === 0
          ? { ok: true, detail: mode }
          : {
              ok: false,
              detail: `${mode}, but workers that could not be heard for a while serve it in ${other} mode: stop those of one mode`
            }
    })
  )
})
