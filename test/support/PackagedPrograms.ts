import { basename, delimiter, join } from "node:path"
import { Effect, Option, Result } from "effect"
import * as AptPrograms from "../../src/natsserver/AptPrograms.ts"
import { isProgram, ownSuite } from "../../src/natsserver/Find.ts"
import { cacheDirectory, thisMachine } from "../../src/natsserver/Machine.ts"

/**
 * The paths of Debian's `prometheus` and `promtool`: from the cache, else fetched into it, which takes some seconds;
 * where there is no Debian package source, those on PATH.
 */
export const prometheus = Effect.gen(function* () {
  const names = ["prometheus", "promtool"]
  const packaged = yield* Effect.result(
    fromCache({ name: "prometheus", suite: ownSuite, programs: names.map((name) => `usr/bin/${name}`) })
  )
  const [server, tool] = Result.isSuccess(packaged)
    ? packaged.success
    : yield* Effect.forEach(names, (name) => Effect.map(onPath(name), Option.getOrUndefined))
  if (server !== undefined && tool !== undefined) return { prometheus: server, promtool: tool }
  const reason = Result.isFailure(packaged) ? packaged.failure.message : ""
  return yield* Effect.die(new Error(`install prometheus: it is not on PATH, and fetching failed: ${reason}`))
})

/** The paths of a package's programs in the cache, in the order they are named; fetched when one is missing. */
export const fromCache = Effect.fnUntraced(function* (wanted: AptPrograms.PackagedPrograms) {
  const directory = join(cacheDirectory(thisMachine, wanted.name), wanted.suite)
  const paths = wanted.programs.map((program) => join(directory, basename(program)))
  const there = yield* Effect.forEach(paths, isProgram)
  if (!there.every(Boolean)) yield* AptPrograms.fetch(wanted, directory, thisMachine)
  return paths
})

/** The path of a program on PATH, when it is there. */
export const onPath = (name: string) => {
  const directories = (process.env["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "")
  return Effect.findFirst(
    directories.map((directory) => join(directory, name)),
    isProgram
  )
}
