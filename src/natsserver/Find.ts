import { constants } from "node:fs"
import { access, stat } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { Effect, Option } from "effect"
import { cacheDirectory, type Machine } from "./Machine.ts"
import { NatsServerError } from "./NatsServerError.ts"

/** The suite under which the cache keeps the copy from the machine's own package source. */
export const ownSuite = "own"

/**
 * The path of `nats-server`: NATS_SERVER_BIN, PATH, the system's directories for servers (often not on a user's
 * PATH), the cache; none when it is nowhere. Fails when NATS_SERVER_BIN is set and no program.
 */
export const find = Effect.fnUntraced(function* (machine: Machine) {
  const named = machine.environment["NATS_SERVER_BIN"]
  if (named) {
    if (yield* isProgram(named)) return Option.some(named)
    const message = `NATS_SERVER_BIN is ${named}, which is no program that can be run; set it to the path of a nats-server, or unset it`
    return yield* new NatsServerError({ message })
  }
  const onPath = (machine.environment["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "")
  const directories = [...onPath, ...machine.serverDirectories]
  const candidates = directories.map((directory) => join(directory, "nats-server"))
  return yield* Effect.findFirst([...candidates, cachedPath(ownSuite, machine)], isProgram)
})

/** Where the cache keeps the copy of a Debian suite, whether it is there or not. */
export const cachedPath = (suite: string, machine: Machine): string =>
  join(cacheDirectory(machine, "nats-server"), suite, "nats-server")

/** Whether the path is a file this user may run. */
export const isProgram = (path: string): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    try {
      await access(path, constants.X_OK)
      return (await stat(path)).isFile()
    } catch {
      return false
    }
  })
