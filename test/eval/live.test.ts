import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Measured } from "../../eval/live/Measured.ts"
import { servers } from "../support/NatsServers.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const program = join(import.meta.dirname, "../../eval/live/main.ts")

/** The quick form of the evaluation on real parts, as people start it. */
const quick = Effect.gen(function* () {
  const file = join(yield* temporaryDirectory, "runs.json")
  const env = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
    NATS_SERVER_BIN: servers[0]?.bin
  }
  yield* Effect.promise(() =>
    promisify(execFile)(process.execPath, [program, "--quick", "--json", file], { env })
  )
  return JSON.parse(yield* Effect.promise(() => readFile(file, "utf8"))) as ReadonlyArray<Measured>
})

it.live(
  "with the adaptive limit, real processes lose no call and few are rejected, with two workers and with failures",
  () =>
    Effect.gen(function* () {
      const [hinted, failing] = yield* quick
      for (const run of [hinted, failing]) {
        expect(run).toMatchObject({ finished: 100, lost: 0, left: 0 })
        expect(run?.rejectedPerCall).toBeLessThan(0.5)
      }
      expect(hinted?.contest.workers).toBe(2)
      expect(failing?.recovery.failures).toBeGreaterThan(0)
    }),
  120_000
)
