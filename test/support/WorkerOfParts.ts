/** A worker put together as in production, with something of the test's between its parts. */
import { Effect, Layer } from "effect"
import * as ConsumerPlan from "../../src/domain/ConsumerPlan.ts"
import { Functions } from "../../src/functions/Functions.ts"
import { Backlog } from "../../src/queue/Backlog.ts"
import { CallSources } from "../../src/queue/CallSource.ts"
import { DeadLetters } from "../../src/queue/DeadLetters.ts"
import * as JetStreamCalls from "../../src/queue/JetStreamCalls.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { WakeUps } from "../../src/queue/WakeUps.ts"
import type { Settings } from "../../src/settings/Settings.ts"
import { Callbacks } from "../../src/worker/Callbacks.ts"
import { Invoker } from "../../src/worker/Invoker.ts"
import { Process } from "../../src/worker/Process.ts"
import { Settlement } from "../../src/worker/Settlement.ts"
import { Slots } from "../../src/worker/Slots.ts"
import * as Supervisor from "../../src/worker/Supervisor.ts"
import { type Environment, run, settings } from "./Sluice.ts"

/** What the worker's actors get instead of a part, made from the real one. */
export interface Between {
  readonly sources?: (real: CallSources["Service"]) => CallSources["Service"]
  readonly functions?: (real: Functions["Service"]) => Functions["Service"]
}

export const startWorker = Effect.fnUntraced(function* (environment: Environment, between: Between) {
  const values = settings("worker", environment)
  const { log, stop } = yield* run(workerLayer(values, between))
  return { log, stop }
})

const workerLayer = (values: Settings, between: Between) => {
  const serverThresholdMillis = ConsumerPlan.serverInactiveThreshold({
    consumerInactiveThreshold: values.consumerInactiveThreshold,
    upstreamTimeout: values.upstreamTimeout,
    maxRetryWait: values.retryPolicy.maxWait,
    ackWait: values.ackWait
  })
  const same = <A>(real: A) => real
  const sources = Layer.effect(CallSources, Effect.map(CallSources, between.sources ?? same)).pipe(
    Layer.provide(
      JetStreamCalls.layer({ ackWaitMillis: values.ackWait, inactiveThresholdMillis: serverThresholdMillis })
    )
  )
  const functions = Layer.effect(Functions, Effect.map(Functions, between.functions ?? same)).pipe(
    Layer.provide(Functions.layer(values))
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
  const queue = WakeUps.layer.pipe(
    Layer.provideMerge(
      QueueStream.layer({ queue: values.queueName, subjects: values.subjects, storage: "file", replicas: 1 })
    ),
    Layer.provideMerge(Nats.layer({ url: values.natsUrl, name: "sluice worker" })),
    Layer.provide(QueueHealth.layer)
  )
  return Supervisor.layer({
    slots: new Slots(values.maxInflight),
    ackWaitMillis: values.ackWait,
    inactiveThresholdMillis: values.consumerInactiveThreshold,
    serverThresholdMillis,
    discoveryIntervalMillis: values.discoveryInterval,
    shutdownGraceMillis: values.shutdownGrace
  }).pipe(Layer.provide([process, Backlog.layer, sources]), Layer.provide([functions, queue]))
}
