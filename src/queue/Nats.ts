import { setImmediate } from "node:timers/promises"
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream"
import { connect, type ConnectionOptions, type NatsConnection } from "@nats-io/transport-node"
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import * as NatsAccess from "./NatsAccess.ts"
import * as NatsAddress from "./NatsAddress.ts"
import * as NatsLink from "./NatsLink.ts"
import {
  describe,
  isAuthorization,
  isForbidden,
  isJetStreamForOthers,
  isJetStreamMissing,
  isUntrusted,
  toQueueError
} from "./natsErrors.ts"
import { QueueMisconfigured } from "./QueueError.ts"
import { QueueHealth } from "./QueueHealth.ts"
import type { Refusals } from "./Refusals.ts"

export interface NatsOptions {
  /** one or several addresses, separated by commas: nats://[user:password@|token@]host[:port], or tls:// */
  readonly url: string
  /** how this program is named in the server's list of connections */
  readonly name: string
  readonly access?: NatsAccess.NatsAccess
  /** whose subjects this program has to be let to */
  readonly queue?: string
}

/** The connection to NATS. */
export class Nats extends Context.Service<
  Nats,
  {
    readonly connection: NatsConnection
    readonly jetstream: JetStreamClient
    readonly manager: JetStreamManager
  } & NatsLink.NatsLink
>()("sluice/queue/Nats") {
  /** Waits for the server, and is kept up for as long as the program runs. */
  static readonly layer = (options: NatsOptions) => Layer.effect(Nats, make(options))
  /** For a command that somebody waits for: what cannot be reached soon is an error, and a lost connection too. */
  static readonly once = (options: NatsOptions) => Layer.effect(Nats, connectOnce(options))
}

/** One second answers a probe in time and is ample for a healthy server. */
const PROBE_TIMEOUT = Duration.seconds(1)
const CLOSE_TIMEOUT = Duration.seconds(3)
const waitForServer = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("5 seconds")])

const tuning: ConnectionOptions = {
  // An attempt cannot be interrupted: it must not hold up a SIGTERM for long.
  timeout: 5_000,
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

/** One attempt to connect; fails with what the client says. */
const dial = ({ access = {}, name, url }: NatsOptions, more: ConnectionOptions = {}) =>
  Effect.tryPromise({
    try: () =>
      connect({
        ...tuning,
        ...NatsAddress.connectionOptions(url),
        ...NatsAccess.connectionOptions(access),
        name,
        ...more
      }),
    catch: (cause) => cause
  })

const make = Effect.fnUntraced(function* (options: NatsOptions) {
  const health = yield* QueueHealth
  const { access = {} } = options
  const url = NatsAddress.withoutCredentials(options.url)
  health.report("nats", { ok: false, detail: `connecting to ${url}` })

  yield* NatsAccess.check(access)
  const connection = yield* Effect.acquireRelease(dial(options), (connection) =>
    // What waits for the end of this turn is said before: a connection that is being closed refuses it.
    Effect.promise(() => setImmediate().then(() => connection.drain().catch(() => connection.close()))).pipe(
      Effect.interruptible,
      Effect.timeoutOption(CLOSE_TIMEOUT)
    )
  ).pipe(
    Effect.tapError((cause) =>
      isHopeless(cause)
        ? Effect.void
        : Effect.logWarning("NATS cannot be reached, trying again", { url, reason: describe(cause) })
    ),
    Effect.retry({ schedule: waitForServer, while: (cause) => !isHopeless(cause) }),
    Effect.mapError((cause) => new QueueMisconfigured({ message: refusal(cause, url, options) }))
  )
  const { refused, ...link } = yield* NatsLink.follow(connection, {
    queue: options.queue,
    stays: true,
    refusal: (error) => refusal(error, url, options)
  })

  const manager = yield* Effect.tryPromise({
    try: () => jetstreamManager(connection),
    catch: (cause) => cause
  }).pipe(
    Effect.tapError((cause) => {
      if (isForbidden(cause)) return Effect.void
      const reason = isJetStreamMissing(cause) ? `NATS at ${url} ${withoutJetStream(cause)}` : describe(cause)
      health.report("nats", { ok: false, detail: reason })
      return Effect.logWarning("JetStream cannot be used, trying again", { reason })
    }),
    Effect.retry({ schedule: waitForServer, while: (cause) => !isForbidden(cause) }),
    Effect.mapError((cause) => new QueueMisconfigured({ message: forbidden(cause, url) }))
  )
  health.check(
    "nats",
    Effect.suspend(() =>
      link.connected()
        ? probe(connection, link.refusals)
        : Effect.succeed({ ok: false, detail: refused() ?? `connecting to ${url}` })
    )
  )
  yield* Effect.logInfo("connected to NATS", { url, server: connection.info?.version })
  return Nats.of({ connection, manager, jetstream: jetstream(connection), ...link })
})

/** Trying again will not help: people have to change something. */
const isHopeless = (cause: unknown): boolean => isAuthorization(cause) || isUntrusted(cause)

const refusal = (cause: unknown, url: string, { access = {}, url: given }: NatsOptions): string => {
  if (isUntrusted(cause)) {
    return `the TLS connection to NATS at ${url} fails (${describe(cause)}): check nats_ca_file, nats_cert_file, nats_key_file and the server's certificate`
  }
  const settings = NatsAccess.credentialSettings(access)
  const named = settings.length > 0 ? settings : NatsAddress.hasCredentials(given) ? ["NATS_URL"] : []
  return named.length === 0
    ? `NATS at ${url} wants credentials (${describe(cause)}): set nats_user and nats_password_file, nats_token_file, nats_creds_file or nats_nkey_file`
    : `NATS at ${url} refuses the credentials (${describe(cause)}): check ${named.join(" and ")}`
}

const withoutJetStream = (cause: unknown): string =>
  isJetStreamForOthers(cause)
    ? "has JetStream, but not for the account that we connect to: enable it there (jetstream: enabled), or use another account's credentials"
    : "has no JetStream: start it with nats-server --jetstream"

const forbidden = (cause: unknown, url: string): string =>
  `NATS at ${url} does not let us use JetStream: ${toQueueError(cause).detail}`

/** Several servers are tried one after the other, five seconds each. */
const COMMAND_TIMEOUT = Duration.seconds(10)

const connectOnce = Effect.fnUntraced(function* (options: NatsOptions) {
  const { access = {} } = options
  const url = NatsAddress.withoutCredentials(options.url)
  yield* NatsAccess.check(access)
  const misconfigured = (detail: string) => new QueueMisconfigured({ message: `NATS at ${url} ${detail}` })
  const inTime = Effect.timeoutOrElse({
    duration: COMMAND_TIMEOUT,
    orElse: () => Effect.fail(misconfigured("does not answer: look whether it is running and reachable"))
  })

  const connection = yield* Effect.acquireRelease(
    // What is published while the connection is down must not be sent after somebody was told it failed.
    dial(options, { reconnect: false }).pipe(
      Effect.mapError((cause) =>
        isHopeless(cause)
          ? new QueueMisconfigured({ message: refusal(cause, url, options) })
          : misconfigured(`cannot be reached (${describe(cause)}): set NATS_URL or nats_host`)
      ),
      Effect.interruptible,
      inTime
    ),
    (connection) => Effect.promise(() => connection.close())
  )
  const { refused: _, ...link } = yield* NatsLink.follow(connection, {
    queue: options.queue,
    stays: false,
    refusal: (error) => refusal(error, url, options)
  })
  const manager = yield* Effect.tryPromise({
    try: () => jetstreamManager(connection),
    catch: (cause) =>
      isJetStreamMissing(cause)
        ? misconfigured(withoutJetStream(cause))
        : isForbidden(cause)
          ? new QueueMisconfigured({ message: forbidden(cause, url) })
          : misconfigured(`does not answer (${describe(cause)})`)
  }).pipe(inTime)
  return Nats.of({ connection, manager, jetstream: jetstream(connection), ...link })
})

/** Whether the server answers, and lets us work: a connection stays up for a while when the other side has stopped. */
const probe = (connection: NatsConnection, refusals: Refusals) =>
  Effect.tryPromise(() => connection.flush()).pipe(
    Effect.timeout(PROBE_TIMEOUT),
    Effect.match({
      onSuccess: () =>
        refusals.first === undefined
          ? { ok: true, detail: `connected to ${connection.getServer()}` }
          : { ok: false, detail: refusals.first.detail },
      onFailure: () => ({ ok: false, detail: `${connection.getServer()} does not answer` })
    })
  )
