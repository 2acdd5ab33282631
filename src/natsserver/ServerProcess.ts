import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { Deferred, Effect } from "effect"
import { NatsServerError } from "./NatsServerError.ts"

/** One run of `nats-server`, from its spawn to its end. */
export interface ServerProcess {
  readonly pid: number | undefined
  /** The port it listens on, once it accepts connections; fails with its last log lines when it ends first. */
  readonly ready: Effect.Effect<number, NatsServerError>
  /** Waits until it has ended, for whatever reason; succeeds with its last log lines. */
  readonly ended: Effect.Effect<string>
  /** Sends a signal; nothing happens when it has ended. */
  readonly signal: (signal: NodeJS.Signals) => void
}

const keptLogLines = 20

/**
 * Spawns `bin` with the configuration file at once. The caller ends it; should this process die before that,
 * even by SIGKILL, the server is killed and `privateDirectory` is removed.
 *
 * Node's child processes and not Effect's: tests suspend the server and kill it hard, and must know that the
 * one process, not its group, got the signal and has gone.
 */
export const run = (bin: string, configFile: string, privateDirectory: string): ServerProcess => {
  const ready = Deferred.makeUnsafe<number, NatsServerError>()
  const ended = Deferred.makeUnsafe<string>()
  const lastLines: Array<string> = []
  let port = 0

  const end = (reason: string) => {
    const log = lastLines.join("\n")
    Deferred.doneUnsafe(
      ready,
      Effect.fail(new NatsServerError({ message: `${bin} ${reason}\n${log}`.trimEnd() }))
    )
    Deferred.doneUnsafe(ended, Effect.succeed(log))
  }

  // In a session of its own: Ctrl-C is for us, and the worker still needs the server to drain.
  const child = spawn(bin, ["-c", configFile], { stdio: ["ignore", "ignore", "pipe"], detached: true })
  const guard = child.pid === undefined ? undefined : guardAgainstOurDeath(child.pid, privateDirectory)

  child.once("error", (error) => end(`could not be started: ${error.message}`))
  child.once("close", (code, signal) => {
    guard?.kill("SIGKILL")
    end(`ended at start with ${signal ?? `exit code ${code}`}. Its last log lines:`)
  })
  createInterface({ input: child.stderr }).on("line", (line) => {
    lastLines.push(line)
    if (lastLines.length > keptLogLines) lastLines.shift()
    port = Number(/Listening for client connections on .*:(\d+)$/.exec(line)?.[1] ?? port)
    if (line.endsWith("Server is ready")) Deferred.doneUnsafe(ready, Effect.succeed(port))
  })

  return {
    pid: child.pid,
    ready: Deferred.await(ready),
    ended: Deferred.await(ended),
    signal: (signal) => void child.kill(signal)
  }
}

/** A shell whose standard input we hold open: it sees the end of it when this process has gone. */
const guardAgainstOurDeath = (pid: number, privateDirectory: string) => {
  const script = 'read -r _; kill -9 "$0"; rm -rf "$1"'
  const guard = spawn("/bin/sh", ["-c", script, String(pid), privateDirectory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true
  })
  // The server's own pipe keeps our event loop alive while it runs; the guard should not do so after it.
  guard.unref()
  return guard
}
