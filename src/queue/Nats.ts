import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream"
import { connect, type ConnectionOptions, type NatsConnection } from "@nats-io/transport-node"
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import { describe, isAuthorization, isJetStreamMissing } from "./natsErrors.ts"
import { QueueMisconfigured } from "./QueueError.ts"
import { QueueHealth } from "./QueueHealth.ts"

export interface NatsOptions {
  /** one or several addresses, separated by commas: nats://[user:password@|token@]host[:port], or tls:// */
  readonly url: string
  /** how this program is named in the server's list of connections */
  readonly name: string
}

/** The connection to NATS, kept up for as long as the program runs. */
export class Nats extends Context.Service<
  Nats,
  {
    readonly connection: NatsConnection
    readonly jetstream: JetStreamClient
    readonly manager: JetStreamManager
    readonly connected: () => boolean
    /** Calls back after each reconnect; returns the way to stop that. */
    readonly onReconnect: (callback: () => void) => () => void
  }
>()("sluice/queue/Nats") {
  static readonly layer = (options: NatsOptions) => Layer.effect(Nats, make(options))
}

/** One second answers a probe in time and is ample for a healthy server. */
const PROBE_TIMEOUT = Duration.seconds(1)
const CLOSE_TIMEOUT = Duration.seconds(3)
const waitForServer = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("5 seconds")])

const make = Effect.fnUntraced(function* (options: NatsOptions) {
  const health = yield* QueueHealth
  const target = withoutCredentials(options.url)
  health.report("nats", { ok: false, detail: `connecting to ${target}` })

  const connection = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => connect(connectionOptions(options)), catch: (cause) => cause }).pipe(
      Effect.tapError((cause) =>
        isAuthorization(cause)
          ? Effect.void
          : Effect.logWarning("NATS cannot be reached, trying again", {
              url: target,
              reason: describe(cause)
            })
      ),
      Effect.retry({ schedule: waitForServer, while: (cause) => !isAuthorization(cause) }),
      Effect.mapError(
        (cause) =>
          new QueueMisconfigured({
            message: `NATS at ${target} refuses the credentials (${describe(cause)}): check NATS_URL`
          })
      )
    ),
    (connection) =>
      Effect.promise(() => connection.drain().catch(() => connection.close())).pipe(
        Effect.interruptible,
        Effect.timeoutOption(CLOSE_TIMEOUT)
      )
  )

  const reconnected = new Set<() => void>()
  let connected = true
  yield* Effect.forkScoped(
    Effect.tryPromise(async () => {
      for await (const status of connection.status()) {
        if (status.type === "disconnect") connected = false
        if (status.type === "reconnect") {
          connected = true
          for (const callback of reconnected) callback()
        }
        if (status.type === "disconnect" || status.type === "reconnect") {
          Effect.runForkWith(context)(Effect.logWarning(`NATS ${status.type}`, { url: status.server }))
        }
      }
    }).pipe(Effect.ignore)
  )
  const context = yield* Effect.context<never>()

  health.check(
    "nats",
    Effect.suspend(() =>
      connected
        ? Effect.tryPromise(() => connection.flush()).pipe(
            Effect.timeout(PROBE_TIMEOUT),
            Effect.match({
              onSuccess: () => ({ ok: true, detail: `connected to ${connection.getServer()}` }),
              onFailure: () => ({ ok: false, detail: `${connection.getServer()} does not answer` })
            })
          )
        : Effect.succeed({ ok: false, detail: `connecting to ${target}` })
    )
  )

  const manager = yield* Effect.tryPromise({
    try: () => jetstreamManager(connection),
    catch: (cause) => cause
  }).pipe(
    Effect.tapError((cause) => Effect.logWarning("JetStream is not ready", { reason: describe(cause) })),
    Effect.retry({ schedule: waitForServer, while: (cause) => !isJetStreamMissing(cause) }),
    Effect.mapError(
      () =>
        new QueueMisconfigured({
          message: `NATS at ${target} has no JetStream: start nats-server with --jetstream (or enable it for this account)`
        })
    )
  )
  yield* Effect.logInfo("connected to NATS", { url: target, server: connection.info?.version })

  return Nats.of({
    connection,
    manager,
    jetstream: jetstream(connection),
    connected: () => connected,
    onReconnect: (callback) => {
      reconnected.add(callback)
      return () => reconnected.delete(callback)
    }
  })
})

const addressesOf = (url: string): ReadonlyArray<URL> =>
  url.split(",").map((part) => new URL(part.includes("://") ? part.trim() : `nats://${part.trim()}`))

const hostOf = (address: URL): string => `${address.hostname}:${address.port || "4222"}`

/** The addresses without user, password or token: for logs and messages. */
export const withoutCredentials = (url: string): string =>
  addressesOf(url)
    .map((address) => `${address.protocol}//${hostOf(address)}`)
    .join(",")

const connectionOptions = (options: NatsOptions): ConnectionOptions => {
  const addresses = addressesOf(options.url)
  const first = addresses[0]
  const user = decodeURIComponent(first?.username ?? "")
  const pass = decodeURIComponent(first?.password ?? "")
  return {
    servers: addresses.map(hostOf),
    name: options.name,
    ...(user !== "" && pass !== "" ? { user, pass } : user !== "" ? { token: user } : {}),
    ...(addresses.some((address) => address.protocol === "tls:") ? { tls: {} } : {}),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // A server whose credentials are being rotated must not end a worker that has calls running.
    ignoreAuthErrorAbort: true,
    // Two unanswered pings, 20 s, and a silent server is given up.
    pingInterval: 10_000,
    maxPingOut: 2,
    // Stack traces of every request cost more than the request.
    noAsyncTraces: true
  }
}
