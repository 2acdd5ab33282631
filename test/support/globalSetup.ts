import { execFileSync } from "node:child_process"
import { Effect, Result } from "effect"
import type { TestProject } from "vitest/node"
import { findOrFetch, findOrFetchSuite } from "../../src/natsserver/Fetch.ts"
import type { ServerVersion } from "./NatsServers.ts"

/** Debian suites with other versions than the machine's own; the worker has to be right on all of them. */
const otherSuites = process.env["SLUICE_TEST_ONLY_OWN_NATS"] ? [] : ["trixie", "sid"]

/** Finds or fetches every `nats-server` once, before the test files, which run at the same time, want them. */
export default async function setup(project: TestProject) {
  const own = await Effect.runPromise(findOrFetch())
  const others = await Effect.runPromise(
    Effect.forEach(otherSuites, (suite) => Effect.result(findOrFetchSuite(suite)), {
      concurrency: "unbounded"
    })
  )
  const versions = distinct([own, ...others.filter(Result.isSuccess).map(({ success }) => success)])
  project.provide("natsServers", versions)
  console.log(`nats-server for the tests: ${versions.map(({ name }) => name).join(", ")}`)
  others.forEach((other, index) => {
    if (Result.isFailure(other)) {
      console.log(
        `the tests do without the nats-server of ${otherSuites[index]}: ${other.failure.message.split("\n")[0]}`
      )
    }
  })
}

const distinct = (bins: ReadonlyArray<string>): ReadonlyArray<ServerVersion> => {
  const byName = new Map<string, ServerVersion>()
  for (const bin of bins) {
    const name = versionOf(bin)
    if (!byName.has(name)) byName.set(name, { name, bin })
  }
  return [...byName.values()]
}

/** Such as "nats-server 2.10.27". */
const versionOf = (bin: string) =>
  execFileSync(bin, ["--version"], { encoding: "utf8" }).trim().replace(": v", " ")
