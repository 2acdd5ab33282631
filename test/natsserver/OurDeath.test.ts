import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdir } from "node:fs/promises"
import { createInterface } from "node:readline"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import { isRunning } from "../support/IsRunning.ts"
import { servers } from "../support/NatsServers.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const program = `
  import { Effect } from "effect"
  import { start } from ${JSON.stringify(import.meta.resolve("../../src/natsserver/NatsServer.ts"))}
  const program = Effect.gen(function* () {
    const server = yield* start({ bin: ${JSON.stringify(servers[0]?.bin)} })
    console.log(yield* server.pid)
    return yield* Effect.never
  })
  await Effect.runPromise(Effect.scoped(program))
`

it.effect("a server and its private store do not outlive a process that is killed hard", () =>
  Effect.gen(function* () {
    const temporary = yield* temporaryDirectory
    const ours = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--input-type=module", "-e", program], {
          stdio: ["ignore", "pipe", "inherit"],
          env: { ...process.env, TMPDIR: temporary }
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const [line] = yield* Effect.promise(() => once(createInterface(ours.stdout), "line"))
    const server = Number(line)
    yield* Effect.addFinalizer(() => Effect.sync(() => isRunning(server) && process.kill(server, "SIGKILL")))
    expect(isRunning(server)).toBe(true)
    expect(yield* Effect.promise(() => readdir(temporary))).toHaveLength(1)

    ours.kill("SIGKILL")

    yield* eventually("the server is gone", () => !isRunning(server))
    yield* eventually(
      "its directory is gone",
      Effect.promise(async () => (await readdir(temporary)).length === 0)
    )
  })
)
