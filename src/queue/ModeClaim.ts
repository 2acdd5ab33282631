import { randomUUID } from "node:crypto"
import { Clock, Duration, Effect, Layer, Option, Schedule, Schema } from "effect"
import * as ScalingMode from "../domain/ScalingMode.ts"
import { Nats } from "./Nats.ts"
import { describe, isConsumerNotFound, isForbidden, toQueueError } from "./natsErrors.ts"
import { QueueMisconfigured } from "./QueueError.ts"
import { QueueHealth } from "./QueueHealth.ts"
import { QueueStream } from "./QueueStream.ts"
import * as Topic from "./Topic.ts"

/**
 * The right to serve the queue in a mode; building the layer waits for it. Workers tell each other over core NATS
 * in which mode they serve or want to. One that wants to waits, not ready, for as long as workers of the other mode
 * are alive, then removes their consumers, which would keep it from making its own: the calls stay in the stream,
 * and the ledger has their attempts and delays. The end of the scope is told too.
 *
 * Whoever is not heard although alive loses nothing: its calls are delivered again, and it finds no consumer.
 */
export const layer = (mode: ScalingMode.ScalingMode) => Layer.effectDiscard(claim(mode))

/** How often those who wait ask who is there: while the other mode is in force, which takes its time, and otherwise. */
const ASK_SELDOM = Duration.millis(500)
const ASK_OFTEN = Duration.millis(100)
const untilAnswered = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")])

/** Waiting does not help who may not do it: people have to change that. */
const untilAllowed =
  (what: string) =>
  <A>(question: Effect.Effect<A, unknown>): Effect.Effect<A, QueueMisconfigured> =>
    question.pipe(
      Effect.retry({
        schedule: untilAnswered,
        while: (error) => !isForbidden(error) && !(error instanceof QueueMisconfigured)
      }),
      Effect.mapError((error) =>
        error instanceof QueueMisconfigured
          ? error
          : new QueueMisconfigured({
              message: `NATS does not let us ${what}: ${toQueueError(error).detail}`
            })
      )
    )

type State = ScalingMode.Rival | "gone"

const Word = Schema.Struct({
  worker: Schema.NonEmptyString,
  mode: Schema.Literals(["function", "static"]),
  state: Schema.Literals(["waiting", "serving", "gone"]),
  /** whoever is there says so too */
  asks: Schema.Boolean
})
const read = Schema.decodeUnknownOption(Schema.fromJsonString(Word))

const claim = Effect.fnUntraced(function* (mode: ScalingMode.ScalingMode) {
  const { connected, connection, manager, onReconnect, request } = yield* Nats
  const stream = yield* QueueStream
  const health = yield* QueueHealth
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const me = randomUUID()
  const rivals = new Map<string, { readonly state: ScalingMode.Rival; readonly heardAt: number }>()
  let state: State = "waiting"
  let contested = false

  // Outside the queue's own subjects: the stream must not store it.
  const topic = `sluice.mode.${stream.queue}`
  const say = (asks: boolean) => {
    if (connected()) connection.publish(topic, JSON.stringify({ worker: me, mode, state, asks }))
  }
  const hear = (text: string) => {
    const word = Option.getOrUndefined(read(text))
    if (word === undefined || word.worker === me) return
    if (word.asks) say(false)
    if (word.mode === mode) return
    if (state === "serving" && word.state === "serving") contested = true
    if (word.state === "gone") rivals.delete(word.worker)
    else rivals.set(word.worker, { state: word.state, heardAt: now() })
  }
  const alive = () => {
    for (const [worker, { heardAt }] of rivals) {
      if (now() - heardAt >= ScalingMode.RIVAL_MILLIS) rivals.delete(worker)
    }
    return [...rivals.values()]
  }

  // An operator may reset the queue while we wait.
  const consumers = Effect.andThen(
    stream.ensure,
    request(() => Array.fromAsync(manager.consumers.list(stream.name)))
  ).pipe(
    Effect.map((all) => all.map(({ name }) => name)),
    Effect.tapError((error) =>
      Effect.sync(() => {
        const detail = `the consumers of ${stream.name} cannot be listed: ${describe(error)}`
        if (state === "waiting") health.report("mode", { ok: false, detail })
      })
    ),
    untilAllowed("list the queue's consumers")
  )
  const modeOf = (consumer: string) => ScalingMode.ofConsumer(consumer, stream.created())
  const theirs = Effect.map(consumers, (all) =>
    all.filter((name) => modeOf(name) === ScalingMode.other(mode))
  )
  const inForce = Effect.map(consumers, (all): ScalingMode.ScalingMode | undefined => {
    const modes = all.map(modeOf)
    return modes.includes(ScalingMode.other(mode))
      ? ScalingMode.other(mode)
      : modes.find((one) => one === mode)
  })

  const notReady = `waits until no worker in ${ScalingMode.other(mode)} mode serves the queue`
  const waitForTurn = Effect.gen(function* () {
    let listeningSince = now()
    let told = false
    yield* Effect.acquireRelease(
      // Nobody was heard while the connection was down.
      Effect.sync(() => onReconnect(() => (listeningSince = now()))),
      (stop) => Effect.sync(stop)
    )
    while (true) {
      const present = yield* inForce
      health.report("mode", { ok: false, detail: notReady })
      say(true)
      yield* Effect.sleep(present === ScalingMode.other(mode) ? ASK_SELDOM : ASK_OFTEN)
      const inTheWay = alive().filter((rival) => ScalingMode.yieldsTo(mode, present, rival.state))
      if (connected() && inTheWay.length === 0) {
        if (now() - listeningSince >= ScalingMode.patience(mode, present)) return
      } else if (!told && inTheWay.length > 0) {
        told = true
        yield* Effect.logWarning(`${notReady}: stop all of them, then it goes on by itself`, {
          queue: stream.queue,
          scaling_mode: mode,
          workers: inTheWay.length
        })
      }
    }
  }).pipe(Effect.scoped)

  const removeTheirs = Effect.gen(function* () {
    const names = yield* theirs
    for (const name of names) {
      yield* request(() => manager.consumers.delete(stream.name, name)).pipe(
        Effect.catch((error) => (isConsumerNotFound(error) ? Effect.void : Effect.fail(error)))
      )
    }
    if (names.length > 0) {
      yield* Effect.logInfo("the scaling mode of the queue has changed", {
        queue: stream.queue,
        scaling_mode: mode,
        consumers_removed: names.length
      })
    }
  }).pipe(untilAllowed("remove the other mode's consumers"))

  yield* Topic.listen(connection, topic, hear)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      state = "gone"
      say(false)
    })
  )
  health.report("mode", { ok: false, detail: notReady })
  yield* waitForTurn
  state = "serving"
  say(false)
  yield* removeTheirs
  // Who could not be heard for so long that the other mode took over finds out when it is back.
  yield* Effect.acquireRelease(
    Effect.sync(() => onReconnect(() => say(true))),
    (stop) => Effect.sync(stop)
  )
  const contestedBy = Effect.suspend(() => (contested ? theirs : Effect.succeed([])))
  health.check(
    "mode",
    Effect.match(contestedBy, {
      onFailure: ({ message }) => ({ ok: false, detail: message }),
      onSuccess: (consumers) =>
        consumers.length === 0
          ? { ok: true, detail: mode }
          : {
              ok: false,
              detail: `${mode}, but workers took the queue over while this one was away and serve it in ${ScalingMode.other(mode)} mode`
            }
    })
  )
})
