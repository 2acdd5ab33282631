/** The wiring of a worker: how calls and callbacks are processed, and what does it. */
import { randomInt } from "node:crypto"
import { Effect, Layer } from "effect"
import * as ConsumerPlan from "../domain/ConsumerPlan.ts"
import { fixed } from "../domain/limiter/Fixed.ts"
import { pace } from "../domain/limiter/Pace.ts"
import * as RetryPolicy from "../domain/RetryPolicy.ts"
import { Backlog } from "../queue/Backlog.ts"
import { CallbackQueue } from "../queue/CallbackQueue.ts"
import { DeadLetters } from "../queue/DeadLetters.ts"
import { Gossip } from "../queue/Gossip.ts"
import * as JetStreamCalls from "../queue/JetStreamCalls.ts"
import { LargeResults } from "../queue/LargeResults.ts"
import { Ledger } from "../queue/Ledger.ts"
import * as ModeClaim from "../queue/ModeClaim.ts"
import { MovedCalls } from "../queue/MovedCalls.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { WakeUps } from "../queue/WakeUps.ts"
import * as WorkerPermissions from "../queue/WorkerPermissions.ts"
import type { Settings } from "../settings/Settings.ts"
import { version } from "../version.ts"
import * as CallbackLanes from "../worker/CallbackLanes.ts"
import { CallbackPost } from "../worker/CallbackPost.ts"
import { Callbacks } from "../worker/Callbacks.ts"
import * as FunctionLanes from "../worker/FunctionLanes.ts"
import { GiveBack } from "../worker/GiveBack.ts"
import { Invoker } from "../worker/Invoker.ts"
import { Process } from "../worker/Process.ts"
import * as LegacyLanes from "../worker/LegacyLanes.ts"
import * as ReplicaHints from "../worker/ReplicaHints.ts"
import { Settlement } from "../worker/Settlement.ts"
import * as SharedLanes from "../worker/SharedLanes.ts"
import * as Siblings from "../worker/Siblings.ts"
import { Slots } from "../worker/Slots.ts"
import { Suspects } from "../worker/Suspects.ts"
import * as Supervisor from "../worker/Supervisor.ts"
import { countReconnects } from "./Telemetry.ts"

/** Where streams are kept. */
export type Storage = "file" | "memory"

const callbackPost = (settings: Settings) =>
  CallbackPost.layer({
    timeoutMillis: settings.callbackTimeout,
    tlsInsecure: settings.tlsInsecure,
    allowHosts: settings.callbackAllowHosts,
    denyNetworks: settings.callbackDenyNetworks,
    signingKeysFile: settings.callbackSigningKeysFile
  })

/** Dead letters of calls and of callbacks. */
const deadLetters = (settings: Settings, storage: Storage) =>
  DeadLetters.layer({
    storage,
    replicas: settings.natsStreamReplicas,
    maxAgeMillis: settings.deadLetterMaxAge,
    maxBytes: settings.deadLetterMaxBytes
  })

/** The stream of the queue's callbacks. */
const callbacksStream = (settings: Settings, storage: Storage) =>
  QueueStream.callbacksLayer({
    queue: settings.queueName,
    storage,
    replicas: settings.natsStreamReplicas,
    limits: { maxMessages: 0, maxBytes: settings.callbacksMaxBytes },
    // A worker that dies between storing a result and settling its call: another one has it after `ack_wait`.
    duplicateWindowMillis: Math.max(120_000, 2 * settings.ackWait + settings.upstreamTimeout)
  })

const TEN_YEARS_MILLIS = 10 * 365 * 86_400_000

/** Where final results are stored for their receivers, in the stream of callbacks. */
const callbacks = (settings: Settings, storage: Storage, stream: ReturnType<typeof callbacksStream>) =>
  Callbacks.layer.pipe(
    Layer.provide([
      // The layers without options are made anew for this stream: there is one of each for the calls.
      CallbackQueue.layer.pipe(Layer.provide(Layer.fresh(WakeUps.layer)), Layer.provide(stream)),
      LargeResults.layer({
        queue: settings.queueName,
        storage,
        replicas: settings.natsStreamReplicas,
        maxBytes: settings.callbacksMaxBytes || undefined,
        // A dead letter has no more of a large result than its name.
        maxAgeMillis: Math.min(
          TEN_YEARS_MILLIS,
          RetryPolicy.longestSpan(settings.callbackRetryPolicy) + settings.deadLetterMaxAge
        )
      })
    ])
  )

/** A shared queue has no limit for each function, so nothing is to be found. */
const isAdaptive = (settings: Settings) => settings.limiterEnabled && settings.scalingMode === "function"

/** How a call is processed: called, judged, settled. */
const processing = (settings: Settings) =>
  Process.layer({
    retryPolicy: settings.retryPolicy,
    defaultNamespace: settings.defaultNamespace,
    holdRejected: isAdaptive(settings),
    maxCallAgeMillis: settings.maxCallAge,
    maxUnfinishedDeliveries: settings.maxUnfinishedDeliveries
  }).pipe(
    Layer.provide([
      Suspects.layer,
      Invoker.layer({
        upstreamTimeoutMillis: settings.upstreamTimeout,
        maxResultBytes: settings.maxResultBytes
      })
    ]),
    Layer.provideMerge(Settlement.layer({ maxResultBytes: settings.maxResultBytes, version })),
    Layer.provideMerge(GiveBack.layer)
  )

/** The attempts at the messages of a stream, which are finished or tried again within the time, milliseconds. */
const ledger = (settings: Settings, storage: Storage, restMillis: number) =>
  Ledger.layer({
    storage,
    replicas: settings.natsStreamReplicas,
    lifeMillis: restMillis + LEDGER_MARGIN_MILLIS
  })

/** More than the longest Retry-After, which is an hour. */
const LEDGER_MARGIN_MILLIS = 2 * 3_600_000

/** How long the server keeps a consumer that nobody pulls from, milliseconds. */
const serverThreshold = (settings: Settings, retryPolicy: RetryPolicy.RetryPolicy): number =>
  ConsumerPlan.serverInactiveThreshold({
    consumerInactiveThreshold: settings.consumerInactiveThreshold,
    upstreamTimeout: settings.upstreamTimeout,
    maxRetryWait: retryPolicy.maxWait,
    ackWait: settings.ackWait
  })

/** Where actors get their calls. */
export const callSources = (settings: Settings, serverThresholdMillis: number) =>
  JetStreamCalls.layer({ ackWaitMillis: settings.ackWait, inactiveThresholdMillis: serverThresholdMillis })

const callLanes = Effect.fnUntraced(function* (settings: Settings) {
  if (settings.scalingMode === "static") return yield* SharedLanes.make(settings.subjects)
  // Fixed limits have no use for advice.
  const advisers = settings.limiterEnabled
    ? [yield* ReplicaHints.make, yield* Siblings.make(settings.ackWait)]
    : []
  const functions = yield* FunctionLanes.make(settings.subjects, advisers)
  return yield* LegacyLanes.beside(functions, settings.defaultNamespace)
})

const supervisorOptions = (
  settings: Settings,
  isAdaptive: boolean,
  slots: number,
  serverThresholdMillis: number
) => ({
  slots: new Slots(slots),
  limiter: (maxLimit: number) =>
    isAdaptive ? pace({ maxLimit, seed: randomInt(2 ** 31) }) : fixed(maxLimit),
  ackWaitMillis: settings.ackWait,
  inactiveThresholdMillis: settings.consumerInactiveThreshold,
  serverThresholdMillis,
  discoveryIntervalMillis: settings.discoveryInterval,
  shutdownGraceMillis: settings.shutdownGrace
})

/** What puts itself between the parts of a worker: nothing, except in tests. */
interface Between {
  readonly sources: typeof callSources
  readonly gossip: typeof Gossip.layer
  readonly serverThresholdMillis?: number
}

const nothingBetween: Between = { sources: callSources, gossip: Gossip.layer }

/** The actors of calls, and what makes them. */
const functionActors = (settings: Settings, storage: Storage, between: Between) => {
  const threshold = between.serverThresholdMillis ?? serverThreshold(settings, settings.retryPolicy)
  return Supervisor.layer(
    callLanes(settings),
    supervisorOptions(settings, isAdaptive(settings), settings.maxInflight, threshold)
  ).pipe(
    Layer.provide([
      Backlog.layer,
      MovedCalls.layer(settings.subjects),
      processing(settings),
      between.sources(settings, threshold),
      between.gossip
    ]),
    Layer.provide(
      ledger(settings, storage, settings.maxCallAge + settings.upstreamTimeout + settings.retryPolicy.maxWait)
    ),
    Layer.provide(ModeClaim.layer(settings.scalingMode))
  )
}

/** The actors of callbacks: the same machinery over the stream of callbacks. */
const callbackActors = (settings: Settings, storage: Storage, stream: ReturnType<typeof callbacksStream>) => {
  const threshold = serverThreshold(settings, settings.callbackRetryPolicy)
  return Supervisor.layer(
    CallbackLanes.make(settings.callbackRetryPolicy),
    supervisorOptions(settings, settings.limiterEnabled, settings.maxCallbacksInflight, threshold)
  ).pipe(
    Layer.provide([
      Layer.fresh(Backlog.layer),
      Layer.fresh(WakeUps.layer),
      Layer.fresh(GiveBack.layer),
      callSources(settings, threshold),
      callbackPost(settings)
    ]),
    Layer.provide(ledger(settings, storage, settings.callbackTimeout + settings.callbackRetryPolicy.maxWait)),
    Layer.provide(stream)
  )
}

/** All of a worker but functions, queue and health. */
export const workerParts = (settings: Settings, storage: Storage, between = nothingBetween) => {
  const stream = callbacksStream(settings, storage)
  return Layer.mergeAll(
    functionActors(settings, storage, between),
    callbackActors(settings, storage, stream),
    countReconnects("worker")
  ).pipe(
    Layer.provide([callbacks(settings, storage, stream), deadLetters(settings, storage)]),
    Layer.provide(WorkerPermissions.layer)
  )
}
