import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { servers } from "../support/NatsServers.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

/** `sluice demo` as people start it, with directories of its own, so that what it leaves behind can be told. */
export const start = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const directory = yield* temporaryDirectory
  const temporary = yield* temporaryDirectory
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [join(import.meta.dirname, "../../src/main.ts"), "demo", ...args], {
        cwd: directory,
        env: {
          PATH: process.env["PATH"],
          NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
          TMPDIR: temporary,
          NATS_SERVER_BIN: servers[0]?.bin
        },
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  const closed = once(child, "close")

  return {
    directory,
    signal: (signal: NodeJS.Signals) => Effect.sync(() => void child.kill(signal)),
    /** Waits until what it has written, on stdout and stderr, has a match, and gives that. */
    printed: (pattern: RegExp) =>
      Effect.promise(async () => {
        while (true) {
          const match = pattern.exec(stdout) ?? pattern.exec(stderr)
          if (match !== null) return match
          if (child.exitCode !== null) throw new Error(`ended without ${String(pattern)}: ${stdout}${stderr}`)
          await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), closed])
        }
      }),
    /** Waits for its end. */
    ended: Effect.promise(async () => {
      await closed
      return { code: child.exitCode, stdout, stderr }
    }),
    /** Processes that it has started and files it has made outside its directory, such as are there now. */
    leftBehind: Effect.promise(async () => {
      const functions = /functions .*\(process (?<pid>\d+)\)/.exec(stdout)?.groups?.["pid"]
      const processes = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" })
        .split("\n")
        .filter((line) => line.includes(temporary) || line.trim().split(/\s/)[0] === functions)
      return [...processes, ...(await readdir(temporary))]
    })
  }
})
