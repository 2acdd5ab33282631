import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Result } from "effect"
import { oneLine, sourceOf } from "./AptSources.ts"
import { NatsServerError } from "./NatsServerError.ts"
import { type Place, runProgram } from "./RunProgram.ts"

/**
 * Downloads a package and unpacks it into a directory under the place's, whose path it gives. Nothing is installed
 * and apt's own files are not touched, so any user can do it. `sources` is the text of a list to use instead of the
 * machine's own sources.
 */
export const unpack = Effect.fnUntraced(function* (name: string, place: Place, sources?: string) {
  const { directory } = place
  const configFile = join(directory, "apt.conf")
  const unpacked = join(directory, "unpacked")
  yield* attempt(async () => {
    for (const needed of ["lists/partial", "cache/archives/partial"]) {
      await mkdir(join(directory, needed), { recursive: true })
    }
    await writeFile(join(directory, "status"), "")
    await writeFile(join(directory, "sources.list"), sources ?? "")
    await writeFile(configFile, configuration(directory, sources !== undefined))
  })
  // One source of several that does not answer must not matter when another has the package.
  const updated = yield* Effect.result(runProgram("apt-get", ["update", "-c", configFile], place))
  const downloaded = yield* Effect.result(runProgram("apt-get", ["download", "-c", configFile, name], place))
  if (Result.isFailure(downloaded)) {
    return yield* Result.isFailure(updated) ? updated.failure : downloaded.failure
  }
  const packages = yield* attempt(() => readdir(directory))
  const file = packages.find((entry) => entry.endsWith(".deb")) ?? `${name}.deb`
  yield* runProgram("dpkg", ["-x", file, unpacked], place)
  return unpacked
})

/** The machine's own Debian mirror as a source list for another suite; fails where there is none. */
export const sourcesOfSuite = Effect.fnUntraced(function* (suite: string) {
  const release = yield* attempt(() => readFile("/etc/os-release", "utf8"))
  const codename = /^VERSION_CODENAME="?([\w-]+)/m.exec(release)?.[1]
  if (!/^ID="?debian"?$/m.test(release) || codename === undefined) {
    return yield* new NatsServerError({
      message: `Debian's ${suite} is only for a machine that runs a Debian release`
    })
  }
  const source = sourceOf(codename, yield* attempt(aptSourceFiles))
  if (source === undefined) {
    return yield* new NatsServerError({
      message: `apt's sources on this machine have no entry for ${codename} main`
    })
  }
  return oneLine(source, suite)
})

/**
 * What the machine's hooks, pins and installed packages say is not about this download. As root, apt would work as
 * another user, who cannot enter a private directory, and would warn about it.
 */
const configuration = (directory: string, ownSourcesOnly: boolean) => `
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Acquire::Languages "none";
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
APT::Sandbox::User "root";
Dir::State::Lists "${directory}/lists";
Dir::State::status "${directory}/status";
Dir::Cache "${directory}/cache";
${
  ownSourcesOnly
    ? `#clear APT::Default-Release;
Dir::Etc::SourceList "${directory}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";`
    : ""
}
`

const aptSourceFiles = async () => {
  const directory = "/etc/apt/sources.list.d"
  const parts = (await readdir(directory).catch(() => [])).filter((name) => /\.(list|sources)$/.test(name))
  const names = ["/etc/apt/sources.list", ...parts.map((name) => join(directory, name))]
  return Promise.all(
    names.map(async (name) => ({ name, text: await readFile(name, "utf8").catch(() => "") }))
  )
}

const attempt = <A>(work: () => Promise<A>) =>
  Effect.tryPromise({ try: work, catch: (cause) => new NatsServerError({ message: String(cause) }) })
