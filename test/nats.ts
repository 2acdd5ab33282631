/** `npm run test:nats -- SUITE...`: the tests that touch NATS, on the nats-server of each Debian suite in turn. */
import { execFileSync, spawnSync } from "node:child_process"
import { Console, Effect } from "effect"
import { fetchSuite, findOrFetchSuite } from "../src/natsserver/Fetch.ts"

const usage = `Usage: npm run test:nats -- SUITE...

Runs the tests that touch NATS on the nats-server that each Debian suite packages today, such as
bookworm, trixie and sid. Servers are fetched into the cache from the machine's own package source.`

const folders = ["test/traps", "test/queue", "test/cli", "test/demo"]

const suites = process.argv.slice(2)
const unknown = suites.filter((suite) => !/^[a-z]+$/.test(suite))
if (suites.includes("--help")) {
  console.log(usage)
  process.exit(0)
}
if (suites.length === 0 || unknown.length > 0) {
  console.error(
    unknown.length === 0 ? usage : `test:nats: ${unknown.join(", ")} is no Debian suite\n${usage}`
  )
  process.exit(2)
}

/** A suite moves on, so what was fetched earlier is only for when nothing can be fetched. */
const newest = (suite: string) =>
  Effect.catch(fetchSuite(suite), ({ message }) =>
    Effect.tap(findOrFetchSuite(suite), () =>
      Console.error(`test:nats: ${suite}: using the one that was fetched earlier, for ${message}`)
    )
  )

const servers = await Effect.runPromise(
  Effect.forEach(suites, (suite) => Effect.map(newest(suite), (bin) => ({ suite, bin })))
).catch((error: unknown) => {
  console.error(`test:nats: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
})

const failed = servers.filter(({ suite, bin }) => {
  console.log(`${suite}: ${execFileSync(bin, ["--version"], { encoding: "utf8" }).trim()}`)
  const { status } = spawnSync("vitest", ["run", ...folders], {
    env: { ...process.env, NATS_SERVER_BIN: bin, SLUICE_TEST_ONLY_OWN_NATS: "1" },
    stdio: "inherit"
  })
  return status !== 0
})
console.log(
  failed.length === 0
    ? `passed on the nats-server of ${suites.join(", ")}`
    : `failed on the nats-server of ${failed.map(({ suite }) => suite).join(", ")}`
)
process.exitCode = failed.length === 0 ? 0 : 1
