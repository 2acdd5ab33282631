/** The wiring of each program: settings in, one running system out. */
import { Effect, Layer } from "effect"
import { countReconnects, telemetry } from "./App/Telemetry.ts"
import { type Storage, workerParts } from "./App/WorkerParts.ts"
import { Functions } from "./functions/Functions.ts"
import { Server } from "./gateway/Server.ts"
import { NatsServer } from "./natsserver/NatsServer.ts"
import { Health } from "./operations/Health.ts"
import { Nats } from "./queue/Nats.ts"
import { QueueHealth } from "./queue/QueueHealth.ts"
import { Queues } from "./queue/Queues.ts"
import { QueueStream } from "./queue/QueueStream.ts"
import { WakeUps } from "./queue/WakeUps.ts"
import type { Settings } from "./settings/Settings.ts"
import * as Exposition from "./telemetry/Exposition.ts"

/** Where functions are. */
export const functions = (settings: Settings) => Functions.layer(settings)

/** The connection and the queue's stream. */
export const queue = (settings: Settings, program: string, storage: Storage) =>
  WakeUps.layer.pipe(
    Layer.provideMerge(
      QueueStream.layer({
        queue: settings.queueName,
        storage,
        replicas: settings.natsStreamReplicas,
        limits: { maxMessages: settings.maxQueueMessages, maxBytes: settings.maxQueueBytes }
      })
    ),
    Layer.provideMerge(
      Nats.layer({
        url: settings.natsUrl,
        name: `sluice ${program} ${settings.queueName}`,
        access: settings.natsAccess,
        queue: settings.queueName
      })
    )
  )

const gatewayParts = (settings: Settings, storage: Storage) =>
  Server.layer({
    port: settings.port,
    defaultNamespace: settings.defaultNamespace,
    queueName: settings.queueName,
    callbackAllowHosts: settings.callbackAllowHosts,
    upstreamTimeoutMillis: settings.upstreamTimeout,
    shutdownGraceMillis: settings.shutdownGrace,
    maxAcceptingBytes: settings.maxAcceptingBytes
  }).pipe(
    Layer.provide(
      Queues.layer({
        subjects: settings.subjects,
        timeoutMillis: settings.publishTimeout,
        storage,
        replicas: settings.natsStreamReplicas
      })
    ),
    Layer.merge(countReconnects("gateway"))
  )

/**
 * The operations port comes first: it can tell that the rest still waits for NATS. It goes last: what a drain does
 * to calls is counted until its end.
 */
const operations = (settings: Settings) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { all } = yield* QueueHealth
      const { text } = yield* Exposition.Exposition
      const metrics = { contentType: Exposition.CONTENT_TYPE, text }
      return Health.layer({ port: settings.metricsPort, checks: all, metrics })
    })
  )

/** Comes last and goes first: from the moment a program is told to stop, nobody is to be sent to it. */
const untilStopped = Layer.effectDiscard(
  Effect.gen(function* () {
    const { report } = yield* QueueHealth
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => report("program", { ok: false, detail: "it was told to stop" }))
    )
  })
)

/** The HTTP front; gives the ports it listens on. */
export const gatewayLayer = (settings: Settings) =>
  untilStopped.pipe(
    Layer.provideMerge(gatewayParts(settings, "file")),
    Layer.provide([functions(settings), queue(settings, "gateway", "file")]),
    Layer.provideMerge(operations(settings)),
    Layer.provide([QueueHealth.layer, telemetry(settings, "gateway")])
  )

/** Serves one queue; gives the port of its health. */
export const workerLayer = (settings: Settings) =>
  untilStopped.pipe(
    Layer.provideMerge(workerParts(settings, "file")),
    Layer.provide([functions(settings), queue(settings, "worker", "file")]),
    Layer.provideMerge(operations(settings)),
    Layer.provide([QueueHealth.layer, telemetry(settings, "worker")])
  )

/** Gateway and worker in one process. */
export const bothLayer = (settings: Settings, storage: Storage) =>
  untilStopped.pipe(
    Layer.provideMerge(Layer.merge(gatewayParts(settings, storage), workerParts(settings, storage))),
    Layer.provide([functions(settings), queue(settings, "start", storage)]),
    Layer.provideMerge(operations(settings)),
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
