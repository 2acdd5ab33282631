import { writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { Context, Effect, Layer } from "effect"
import { findOrFetch } from "./Fetch.ts"
import { NatsServerError } from "./NatsServerError.ts"
import { privateDirectory } from "./PrivateDirectory.ts"
import * as ServerProcess from "./ServerProcess.ts"

export interface Options {
  /** The program; found or fetched when not given. */
  readonly bin?: string | undefined
  /** A free one when not given. */
  readonly port?: number | undefined
  /** Where streams are kept; a private directory, removed at the end, when not given. */
  readonly storeDir?: string | undefined
  /** More lines for the server's configuration file, such as `max_payload: 2MB`. */
  readonly config?: string | undefined
}

/** A `nats-server` with JetStream on 127.0.0.1, a child process that ends with its scope. */
export class NatsServer extends Context.Service<
  NatsServer,
  {
    readonly url: string
    readonly port: number
    /** The process id of the present run, or of the last one after `stop` and `kill`. */
    readonly pid: Effect.Effect<number | undefined>
    /** Asks the server to end (SIGTERM) and waits until it has. */
    readonly stop: Effect.Effect<void>
    /** Ends the server at once (SIGKILL), as a crash would, and waits until it has. */
    readonly kill: Effect.Effect<void>
    /** Stops the clock for the server (SIGSTOP): connections stay open and nothing answers. */
    readonly suspend: Effect.Effect<void>
    readonly resume: Effect.Effect<void>
    /** Starts it again on the same port and store, stopping it first when it runs. */
    readonly restart: Effect.Effect<void, NatsServerError>
    /** Never succeeds; fails when the present run ends without being told to, with its last log lines. */
    readonly crashed: Effect.Effect<never, NatsServerError>
  }
>()("sluice/natsserver/NatsServer") {
  static readonly layer = (options: Options = {}) => Layer.effect(NatsServer, start(options))
}

/** Starts a server that accepts connections when this succeeds and is gone when the scope has closed. */
export const start = Effect.fnUntraced(function* (options: Options = {}) {
  const bin = options.bin ?? (yield* findOrFetch())
  const directory = yield* privateDirectory(tmpdir())
  const storeDir = options.storeDir === undefined ? join(directory, "store") : resolve(options.storeDir)
  const configFile = join(directory, "nats.conf")
  const writeConfig = (port: number) =>
    Effect.promise(() => writeFile(configFile, configuration(port, storeDir, options.config)))

  let running: ServerProcess.ServerProcess | undefined
  let toldToEnd = false
  const launch = Effect.suspend(() => {
    toldToEnd = false
    running = ServerProcess.run(bin, configFile, directory)
    return running.ready
  })
  const signal = (signal: NodeJS.Signals) => Effect.sync(() => running?.signal(signal))
  const ended = Effect.suspend(() => running?.ended ?? Effect.succeed(""))
  const end = Effect.fnUntraced(function* (...signals: ReadonlyArray<NodeJS.Signals>) {
    toldToEnd = true
    yield* Effect.forEach(signals, signal)
    yield* ended
  })

  // A suspended server sees SIGTERM only after SIGCONT.
  const stop = end("SIGTERM", "SIGCONT")
  const kill = end("SIGKILL")
  // Nothing in a private store is worth the time of an orderly end.
  yield* Effect.addFinalizer(() => (options.storeDir === undefined ? kill : stop))

  yield* writeConfig(options.port ?? -1)
  const port = yield* launch
  yield* writeConfig(port)

  return NatsServer.of({
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: Effect.sync(() => running?.pid),
    stop,
    kill,
    suspend: signal("SIGSTOP"),
    resume: signal("SIGCONT"),
    restart: Effect.asVoid(Effect.andThen(stop, launch)),
    crashed: Effect.flatMap(ended, (log) =>
      toldToEnd
        ? Effect.never
        : new NatsServerError({ message: `nats-server ended. Its last log lines:\n${log}` })
    )
  })
})

const configuration = (port: number, storeDir: string, more = "") =>
  [
    `host: "127.0.0.1"`,
    `port: ${port}`,
    `jetstream { store_dir: ${JSON.stringify(storeDir)} }`,
    more,
    ""
  ].join("\n")
