import { execFileSync } from "node:child_process"
import { Effect, Option } from "effect"
import { findOrFetch, findOrFetchSuite } from "../../src/natsserver/Fetch.ts"
import type { Plan } from "../plan/Plan.ts"

export interface Server {
  readonly bin: string
  /** such as 2.10.27 */
  readonly version: string
}

const otherSuites = ["trixie", "sid"]

/** The versions of nats-server at hand, oldest first: the machine's own and, on Debian, those of other suites. */
export const find = Effect.gen(function* () {
  const own = yield* findOrFetch()
  const others = yield* Effect.forEach(otherSuites, (suite) => Effect.option(findOrFetchSuite(suite)))
  const byVersion = new Map<string, Server>()
  for (const bin of [own, ...others.flatMap((found) => Option.toArray(found))]) {
    const version = versionOf(bin)
    if (!byVersion.has(version)) byVersion.set(version, { bin, version })
  }
  return [...byVersion.values()].toSorted((a, b) => minorOf(a) - minorOf(b))
})

const versionOf = (bin: string) =>
  /v(\d[\d.]*)/.exec(execFileSync(bin, ["--version"], { encoding: "utf8" }))?.[1] ?? "unknown"

const minorOf = ({ version }: Server) => Number(version.split(".")[1])

/** 2.9 does not know `sync_interval`. */
const KNOWS_SYNC = 10

/** The server of a run; one that writes through only where a version knows how. */
export const serverOf = (plan: Plan, servers: ReadonlyArray<Server>) => {
  const able = servers.filter((server) => minorOf(server) >= KNOWS_SYNC)
  const syncAlways = plan.syncAlways && able.length > 0
  const possible = syncAlways ? able : servers
  return { server: possible[plan.version % possible.length], syncAlways }
}
