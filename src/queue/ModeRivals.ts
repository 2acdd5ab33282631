import { randomUUID } from "node:crypto"
import { Clock, Duration, Effect, Latch, Option, Schema } from "effect"
import * as ScalingMode from "../domain/ScalingMode.ts"
import { Nats } from "./Nats.ts"
import { QueueStream } from "./QueueStream.ts"
import * as Topic from "./Topic.ts"

type State = ScalingMode.Rival | "gone"

const Word = Schema.Struct({
  worker: Schema.NonEmptyString,
  mode: Schema.Literals(["function", "static"]),
  state: Schema.Literals(["waiting", "serving", "gone"]),
  /** whoever is there says so too */
  asks: Schema.Boolean
})
const read = Schema.decodeUnknownOption(Schema.fromJsonString(Word))

/**
 * What the workers of a queue tell each other over core NATS: in which mode each serves or wants to, and that it
 * goes. The end of the scope is told.
 */
export const make = Effect.fnUntraced(function* (mode: ScalingMode.ScalingMode) {
  const { connected, connection, onReconnect } = yield* Nats
  const { queue } = yield* QueueStream
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const me = randomUUID()
  const rivals = new Map<string, { readonly state: ScalingMode.Rival; readonly heardAt: number }>()
  const contested = Latch.makeUnsafe()
  let state: State = "waiting"
  /** How long was listened in all, milliseconds: only then does silence tell of somebody. */
  let listened = 0
  let listeningSince = 0

  // Outside the queue's own subjects: the stream must not store it.
  const topic = `sluice.mode.${queue}`
  const say = (asks: boolean) => {
    if (connected()) connection.publish(topic, JSON.stringify({ worker: me, mode, state, asks }))
  }
  const hear = (text: string) => {
    const word = Option.getOrUndefined(read(text))
    if (word === undefined || word.worker === me) return
    if (word.asks) say(false)
    if (word.mode === mode) return
    if (state === "serving" && word.state === "serving") contested.openUnsafe()
    if (word.state === "gone") rivals.delete(word.worker)
    else rivals.set(word.worker, { state: word.state, heardAt: listened })
  }
  /** Silence counts from here on. */
  const listenAnew = () => {
    listeningSince = listened
    for (const [worker, { state }] of rivals) rivals.set(worker, { state, heardAt: listeningSince })
  }

  yield* Topic.listen(connection, topic, hear)
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      onReconnect(() => {
        listenAnew()
        // Who could not be heard for so long that the other mode took over finds out when it is back.
        if (state === "serving") say(true)
      })
    ),
    (stop) => Effect.sync(stop)
  )
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      state = "gone"
      say(false)
    })
  )

  return {
    /** From now on we serve. */
    serve: () => {
      state = "serving"
      say(false)
    },
    /** Asks who is there, and leaves them the time to answer. */
    ask: Effect.fnUntraced(function* (pause: Duration.Duration) {
      const askedAt = now()
      say(true)
      yield* Effect.sleep(pause)
      // Who was cut off, or stopped itself, has heard nobody and knows nothing of them.
      const overslept = now() - askedAt - Duration.toMillis(pause)
      if (!connected() || overslept > ScalingMode.RIVAL_MILLIS / 3) listenAnew()
      else listened += Duration.toMillis(pause)
    }),
    /** The rivals that were heard of lately. */
    alive: () => {
      for (const [worker, { heardAt }] of rivals) {
        if (listened - heardAt >= ScalingMode.RIVAL_MILLIS) rivals.delete(worker)
      }
      return [...rivals.values()].map(({ state }) => state)
    },
    listenAnew,
    /** For how long somebody could have been heard, milliseconds. */
    listenedFor: () => listened - listeningSince,
    /** Open when a worker of the other mode serves although we do. */
    contested
  }
})
