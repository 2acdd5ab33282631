/** The wiring of each program: settings in, one running system out. */
import { randomInt } from "node:crypto"
import { Effect, Layer } from "effect"
import * as ConsumerPlan from "./domain/ConsumerPlan.ts"
import { fixed } from "./domain/limiter/Fixed.ts"
import { pace } from "./domain/limiter/Pace.ts"
import { Functions } from "./functions/Functions.ts"
import { Server } from "./gateway/Server.ts"
import { NatsServer } from "./natsserver/NatsServer.ts"
import { Health } from "./operations/Health.ts"
import { Backlog } from "./queue/Backlog.ts"
import { DeadLetters } from "./queue/DeadLetters.ts"
import { Gossip } from "./queue/Gossip.ts"
import * as JetStreamCalls from "./queue/JetStreamCalls.ts"
import { Nats } from "./queue/Nats.ts"
import { Publisher } from "./queue/Publisher.ts"
import { QueueHealth } from "./queue/QueueHealth.ts"
import { QueueStream } from "./queue/QueueStream.ts"
import { WakeUps } from "./queue/WakeUps.ts"
import type { Settings } from "./settings/Settings.ts"
import * as Exposition from "./telemetry/Exposition.ts"
import { Metrics } from "./telemetry/Metrics.ts"
import * as Otlp from "./telemetry/Otlp.ts"
import { version } from "./version.ts"
import { Callbacks } from "./worker/Callbacks.ts"
import { Invoker } from "./worker/Invoker.ts"
import { Process } from "./worker/Process.ts"
import { Settlement } from "./worker/Settlement.ts"
import { Slots } from "./worker/Slots.ts"
import * as Supervisor from "./worker/Supervisor.ts"

type Storage = "file" | "memory"

/** Where functions are. */
export const functions = (settings: Settings) => Functions.layer(settings)

/** The connection and the queue's stream. */
export const queue = (settings: Settings, program: string, storage: Storage) =>
  WakeUps.layer.pipe(
    Layer.provideMerge(
      QueueStream.layer({
        queue: settings.queueName,
        subjects: settings.subjects,
        storage,
        replicas: settings.natsStreamReplicas
      })
    ),
    Layer.provideMerge(Nats.layer({ url: settings.natsUrl, name: `sluice ${program} ${settings.queueName}` }))
  )

const gatewayParts = (settings: Settings) =>
  Server.layer({
    port: settings.port,
    defaultNamespace: settings.defaultNamespace,
    queueName: settings.queueName,
    upstreamTimeoutMillis: settings.upstreamTimeout,
    shutdownGraceMillis: settings.shutdownGrace
  }).pipe(
    Layer.provide(Publisher.layer({ timeoutMillis: settings.publishTimeout })),
    Layer.merge(countReconnects("gatewayReconnects"))
  )

/** How a call is processed: called, judged, settled. */
export const processing = (settings: Settings, storage: Storage) =>
  Process.layer({
    retryPolicy: settings.retryPolicy,
    defaultNamespace: settings.defaultNamespace,
    holdRejected: settings.limiterEnabled,
    maxCallAgeMillis: settings.maxCallAge
  }).pipe(
    Layer.provide([
      Settlement.layer({ maxResultBytes: settings.maxResultBytes, version }),
      Invoker.layer({
        upstreamTimeoutMillis: settings.upstreamTimeout,
        maxResultBytes: settings.maxResultBytes
      })
    ]),
    Layer.provide([
      Callbacks.layer({ tlsInsecure: settings.tlsInsecure }),
      DeadLetters.layer({ storage, replicas: settings.natsStreamReplicas })
    ])
  )

/** How long the server keeps a consumer that nobody pulls from, milliseconds. */
export const serverThreshold = (settings: Settings): number =>
  ConsumerPlan.serverInactiveThreshold({
    consumerInactiveThreshold: settings.consumerInactiveThreshold,
    upstreamTimeout: settings.upstreamTimeout,
    maxRetryWait: settings.retryPolicy.maxWait,
    ackWait: settings.ackWait
  })

/** Where actors get their calls. */
export const callSources = (settings: Settings, serverThresholdMillis: number) =>
  JetStreamCalls.layer({ ackWaitMillis: settings.ackWait, inactiveThresholdMillis: serverThresholdMillis })

/** The actors, and what makes them. */
export const supervisor = (settings: Settings, serverThresholdMillis: number) =>
  Supervisor.layer({
    slots: new Slots(settings.maxInflight),
    limiter: (maxLimit) =>
      settings.limiterEnabled ? pace({ maxLimit, seed: randomInt(2 ** 31) }) : fixed(maxLimit),
    adaptive: settings.limiterEnabled,
    ackWaitMillis: settings.ackWait,
    inactiveThresholdMillis: settings.consumerInactiveThreshold,
    serverThresholdMillis,
    discoveryIntervalMillis: settings.discoveryInterval,
    shutdownGraceMillis: settings.shutdownGrace
  }).pipe(Layer.provide(Backlog.layer))

const workerParts = (settings: Settings, storage: Storage) => {
  const serverThresholdMillis = serverThreshold(settings)
  return supervisor(settings, serverThresholdMillis).pipe(
    Layer.provide([
      processing(settings, storage),
      callSources(settings, serverThresholdMillis),
      Gossip.layer
    ]),
    Layer.merge(countReconnects("workerReconnects"))
  )
}

/** The operations port comes first: it can tell that the rest still waits for NATS. */
const operations = (settings: Settings) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { all } = yield* QueueHealth
      const { text } = yield* Exposition.Exposition
      const metrics = { contentType: Exposition.CONTENT_TYPE, text }
      return Health.layer({ port: settings.metricsPort, checks: all, metrics })
    })
  )

/** What a program tells of itself, and what it counts and traces with. */
const telemetry = (settings: Settings, ...programs: ReadonlyArray<"worker" | "gateway">) =>
  Layer.merge(
    Exposition.Exposition.layer({ queueName: settings.queueName, programs, version }),
    Otlp.layer({
      serviceName: programs.length === 1 ? `sluice-${programs[0]}` : "sluice",
      version,
      linkConsumers: settings.traceConsumer === "link"
    })
  )

const countReconnects = (metric: "workerReconnects" | "gatewayReconnects") =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { onReconnect } = yield* Nats
      const metrics = yield* Metrics
      yield* Effect.acquireRelease(
        Effect.sync(() => onReconnect(() => metrics[metric].count())),
        (stop) => Effect.sync(stop)
      )
    })
  )

/** The HTTP front; gives the ports it listens on. */
export const gatewayLayer = (settings: Settings) =>
  gatewayParts(settings).pipe(
    Layer.provide([functions(settings), queue(settings, "gateway", "file")]),
    Layer.merge(operations(settings)),
    Layer.provide([QueueHealth.layer, telemetry(settings, "gateway")])
  )

/** Serves one queue; gives the port of its health. */
export const workerLayer = (settings: Settings) =>
  workerParts(settings, "file").pipe(
    Layer.provide([functions(settings), queue(settings, "worker", "file")]),
    Layer.merge(operations(settings)),
    Layer.provide([QueueHealth.layer, telemetry(settings, "worker")])
  )

/** Gateway and worker in one process. */
export const bothLayer = (settings: Settings, storage: Storage) =>
  Layer.mergeAll(gatewayParts(settings), workerParts(settings, storage)).pipe(
    Layer.provide([functions(settings), queue(settings, "start", storage)]),
    Layer.merge(operations(settings)),
    Layer.provide([QueueHealth.layer, telemetry(settings, "gateway", "worker")])
  )

export const gateway = (settings: Settings) => Layer.launch(gatewayLayer(settings))

export const worker = (settings: Settings) => Layer.launch(workerLayer(settings))

/** Everything for development, with a server of its own unless the settings name one. */
export const start = (settings: Settings, options: { readonly store: string | undefined }) =>
  settings.natsGiven
    ? Layer.launch(bothLayer(settings, "file"))
    : Effect.gen(function* () {
        const server = yield* NatsServer
        const storage = options.store === undefined ? "memory" : "file"
        return yield* Effect.raceFirst(
          Layer.launch(bothLayer({ ...settings, natsUrl: server.url }, storage)),
          server.crashed
        )
      }).pipe(Effect.provide(NatsServer.layer({ storeDir: options.store })))
