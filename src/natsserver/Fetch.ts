import { dirname } from "node:path"
import { Effect, Option } from "effect"
import * as AptPrograms from "./AptPrograms.ts"
import { cachedPath, find, isProgram, ownSuite } from "./Find.ts"
import { type Machine, thisMachine } from "./Machine.ts"
import { NatsServerError } from "./NatsServerError.ts"
import { runProgram } from "./RunProgram.ts"

/** The path of `nats-server`: found on this machine, else fetched from its package source into the cache. */
export const findOrFetch = Effect.fnUntraced(function* (machine: Machine = thisMachine) {
  const found = yield* find(machine)
  if (Option.isSome(found)) return found.value
  yield* Effect.logInfo("fetching nats-server from this machine's package source ...")
  const fetched = machine.platform === "darwin" ? fetchWithHomebrew(machine) : fetchSuite(ownSuite, machine)
  return yield* Effect.mapError(fetched, (error) => new NatsServerError({ message: noServer(error.message) }))
})

/** The path of the `nats-server` of another Debian suite ("trixie", "sid"), from the cache or fetched into it. */
export const findOrFetchSuite = Effect.fnUntraced(function* (suite: string, machine: Machine = thisMachine) {
  const cached = cachedPath(suite, machine)
  return (yield* isProgram(cached)) ? cached : yield* fetchSuite(suite, machine)
})

/** The path of the `nats-server` that a Debian suite packages today, fetched into the cache. */
export const fetchSuite = Effect.fnUntraced(function* (suite: string, machine: Machine = thisMachine) {
  const path = cachedPath(suite, machine)
  const server = { name: "nats-server", suite, programs: ["usr/sbin/nats-server"] }
  yield* AptPrograms.fetch(server, dirname(path), machine)
  return path
})

const noServer = (reason: string) =>
  `There is no nats-server on this machine, and fetching one failed: ${reason}
Do one of these:
  - install it with your package manager (Debian and Ubuntu: apt-get install nats-server; macOS: brew install nats-server)
  - set NATS_SERVER_BIN to the path of a nats-server
  - set NATS_URL to the address of a running NATS server with JetStream`

/** Homebrew starts no service by itself; it links the program into a directory that is on PATH. */
const fetchWithHomebrew = Effect.fnUntraced(function* (machine: Machine) {
  yield* runProgram("brew", ["install", "--quiet", "nats-server"], {
    directory: machine.home,
    environment: machine.environment
  })
  const installed = yield* find(machine)
  if (Option.isSome(installed)) return installed.value
  return yield* new NatsServerError({
    message: "brew installed nats-server in a directory that is not on PATH"
  })
})
