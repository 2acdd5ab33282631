/** Gateways and workers of the product, as tests run them: in this process, or as a real program. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Context, Effect, Exit, Layer, Logger, Result, Scope } from "effect"
import * as App from "../../src/App.ts"
import { Server } from "../../src/gateway/Server.ts"
import { Health } from "../../src/operations/Health.ts"
import { read } from "../../src/settings/ReadSettings.ts"
import type { Program } from "../../src/settings/Setting.ts"
import { ArrivalCounter } from "./ArrivalCounter.ts"

/** Settings by the names of their environment variables. */
export type Environment = Readonly<Record<string, string>>

/** Short times, so that nothing in a test takes as long as in production. */
const forTests: Environment = {
  function_url: "http://127.0.0.1:1/{name}",
  metrics_port: "0",
  port: "0",
  discovery_interval: "100ms",
  limiter_enabled: "false",
  initial_retry_wait: "50ms",
  max_retry_wait: "400ms",
  callback_retry_initial_wait: "50ms",
  callback_retry_max_wait: "400ms",
  shutdown_grace: "5s"
}

export const settings = (program: Program, environment: Environment) =>
  Result.getOrThrowWith(
    read(program, { flags: {}, environment: { ...forTests, ...environment } }),
    (mistakes) => new Error(mistakes.join("\n"))
  ).settings

/** What a program has logged: message and fields of each line. */
interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export class LogBook {
  readonly lines: Array<LogLine> = []
  readonly #arrivals = new ArrivalCounter()

  add(line: LogLine): void {
    this.lines.push(line)
    this.#arrivals.add()
  }

  with(message: string): ReadonlyArray<LogLine> {
    return this.lines.filter((line) => line.message.includes(message))
  }

  /** Warnings, errors and what is no log line at all, without the warning that every stream on a single server deserves. */
  get troubles(): ReadonlyArray<LogLine> {
    return this.lines.filter(
      ({ level, message }) =>
        !/^(info|debug)$/i.test(level) && !message.includes("keeps calls in files on 1 server")
    )
  }

  /** Waits for a line whose message contains the text. */
  line(message: string): Effect.Effect<LogLine> {
    return Effect.suspend(() => {
      const found = this.with(message)[0]
      return found !== undefined
        ? Effect.succeed(found)
        : Effect.andThen(this.#arrivals.atLeast(this.lines.length + 1), this.line(message))
    })
  }
}

/** Logs into the book. */
export const logger = (book: LogBook) =>
  Logger.layer([
    Logger.make(({ logLevel, message }) => {
      const parts = Array.isArray(message) ? message : [message]
      book.add({
        level: logLevel,
        message: parts.filter((part) => typeof part === "string").join(" "),
        fields: Object.assign({}, ...parts.filter((part) => typeof part === "object"))
      })
    })
  ])

/** Runs a layer until `stop` or the end of the test, whichever comes first. */
export const run = Effect.fnUntraced(function* <A, E>(layer: Layer.Layer<A, E>) {
  const log = new LogBook()
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const context = yield* Layer.buildWithScope(Layer.provide(layer, logger(log)), scope)
  return { context, log, stop: Scope.close(scope, Exit.void) }
})

/** A worker in this process. `stop` is what SIGTERM does. */
export const startWorker = Effect.fnUntraced(function* (environment: Environment) {
  const { context, log, stop } = yield* run(App.workerLayer(settings("worker", environment)))
  return { log, stop, operationsUrl: `http://127.0.0.1:${Context.get(context, Health).port}` }
})

/** Runs a layer with a gateway in it. */
const runGateway = Effect.fnUntraced(function* <E>(layer: Layer.Layer<Server | Health, E>) {
  const { context, log, stop } = yield* run(layer)
  return {
    log,
    stop,
    url: `http://127.0.0.1:${Context.get(context, Server).port}`,
    operationsUrl: `http://127.0.0.1:${Context.get(context, Health).port}`
  }
})

/** A gateway in this process. */
export const startGateway = (environment: Environment) =>
  Effect.suspend(() => runGateway(App.gatewayLayer(settings("gateway", environment))))

/** Gateway and worker in one process, with their queue in NATS's memory, as `sluice start` has them. */
export const startBoth = (environment: Environment) =>
  Effect.suspend(() => runGateway(App.bothLayer(settings("start", environment), "memory")))

/** A program as people start it: its own process, to be killed or told to stop. */
export const spawnProgram = (args: ReadonlyArray<string>, environment: Environment) =>
  spawnCommand(process.execPath, ["src/main.ts", ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      ...forTests,
      ...environment
    }
  })

/** The program in any other way, with exactly the environment that is given. */
export const spawnCommand = Effect.fnUntraced(function* (
  command: string,
  args: ReadonlyArray<string>,
  options: Pick<SpawnOptions, "cwd" | "env" | "uid" | "gid">
) {
  const log = new LogBook()
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] })),
    (child) =>
      Effect.andThen(
        Effect.sync(() => child.kill("SIGKILL")),
        exitOf(child)
      )
  )
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (!line.startsWith("{")) return log.add({ level: "", message: line, fields: {} })
    const { level, msg, ts: _, ...fields } = JSON.parse(line)
    log.add({ level, message: msg, fields })
  })
  child.stdout.resume()
  return {
    log,
    pid: child.pid,
    /** Sends a signal and waits for the end. */
    end: (signal: NodeJS.Signals) =>
      Effect.andThen(
        Effect.sync(() => child.kill(signal)),
        exitOf(child)
      ),
    /** Sends a signal and goes on. */
    signal: (signal: NodeJS.Signals) => Effect.sync(() => void child.kill(signal)),
    /** The exit code (null when a signal ended it), once it has ended. */
    exit: exitOf(child)
  }
})

const exitOf = (child: ChildProcess): Effect.Effect<number | null> =>
  Effect.promise(async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    return child.exitCode
  })

/** A client of our own beside the product's, to look and to publish as strangers do. */
export const natsClient = Effect.fnUntraced(function* (url: string) {
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: url })),
    (connection) => Effect.promise(() => connection.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection, { checkAPI: false }))
  return { connection, manager, jetstream: jetstream(connection) }
})

/** Posts a call; the status and headers of the answer. */
export const post = (
  url: string,
  init: { readonly headers?: Record<string, string>; readonly body?: string | Uint8Array<ArrayBuffer> } = {}
) =>
  Effect.promise(async () => {
    const response = await fetch(url, { method: "POST", ...init })
    return { status: response.status, headers: response.headers, body: await response.text() }
  })
