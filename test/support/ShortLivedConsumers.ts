import { Effect, Layer } from "effect"
import { Functions } from "../../src/functions/Functions.ts"
import { Backlog } from "../../src/queue/Backlog.ts"
import { CallSources } from "../../src/queue/CallSource.ts"
import { DeadLetters } from "../../src/queue/DeadLetters.ts"
import * as JetStreamCalls from "../../src/queue/JetStreamCalls.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { WakeUps } from "../../src/queue/WakeUps.ts"
import { Callbacks } from "../../src/worker/Callbacks.ts"
import { Invoker } from "../../src/worker/Invoker.ts"
import { Process } from "../../src/worker/Process.ts"
import { Settlement } from "../../src/worker/Settlement.ts"
import { Slots } from "../../src/worker/Slots.ts"
import * as Supervisor from "../../src/worker/Supervisor.ts"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import { type Environment, run, settings } from "./Sluice.ts"

export interface Options {
  /** how long the server keeps a consumer that nobody pulls from, milliseconds */
  readonly serverThresholdMillis: number
  /** Comes between an idle actor's question whether any calls are unfinished and its answer. */
  readonly beforeAnswer?: (unfinished: number) => Promise<void>
}

/**
 * A worker like any other, but for the server's threshold: in production that is minutes, and no setting shortens
 * it. It also tells when actors have ended.
 */
export const startWorker = Effect.fnUntraced(function* (environment: Environment, options: Options) {
  const { serverThresholdMillis } = options
  const values = settings("worker", environment)
  const ended = new ArrivalCounter()

  const queue = WakeUps.layer.pipe(
    Layer.provideMerge(
      QueueStream.layer({ queue: values.queueName, subjects: values.subjects, storage: "file", replicas: 1 })
    ),
    Layer.provideMerge(Nats.layer({ url: values.natsUrl, name: "sluice worker" })),
    Layer.provide(QueueHealth.layer)
  )
  const sources = Layer.effect(
    CallSources,
    Effect.map(CallSources, ({ open }) =>
      CallSources.of({
        open: Effect.fnUntraced(function* (fn, handlers) {
          yield* Effect.addFinalizer(() => Effect.sync(() => ended.add()))
          const source = yield* open(fn, handlers)
          const unfinished = Effect.tap(source.unfinished, (count) =>
            Effect.promise(async () => options.beforeAnswer?.(count))
          )
          return { ...source, unfinished }
        })
      })
    )
  ).pipe(
    Layer.provide(
      JetStreamCalls.layer({ ackWaitMillis: values.ackWait, inactiveThresholdMillis: serverThresholdMillis })
    )
  )
  const settlement = Settlement.layer({ maxResultBytes: values.maxResultBytes, version: "test" }).pipe(
    Layer.provide([
      Callbacks.layer({ tlsInsecure: false }),
      DeadLetters.layer({ storage: "file", replicas: 1 })
    ])
  )
  const process = Process.layer({
    retryPolicy: values.retryPolicy,
    defaultNamespace: values.defaultNamespace
  }).pipe(
    Layer.provide([
      settlement,
      Invoker.layer({
        upstreamTimeoutMillis: values.upstreamTimeout,
        maxResultBytes: values.maxResultBytes
      })
    ])
  )
  const supervisor = Supervisor.layer({
    slots: new Slots(values.maxInflight),
    ackWaitMillis: values.ackWait,
    inactiveThresholdMillis: values.consumerInactiveThreshold,
    serverThresholdMillis,
    discoveryIntervalMillis: values.discoveryInterval,
    shutdownGraceMillis: values.shutdownGrace
  }).pipe(Layer.provide([process, Backlog.layer, sources]))

  const { log, stop } = yield* run(supervisor.pipe(Layer.provide([Functions.layer(values), queue])))
  return {
    log,
    stop,
    /** Waits until so many actors have ended since the start. */
    actorsEnded: (count: number) => ended.atLeast(count)
  }
})
