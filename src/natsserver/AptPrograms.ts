import { mkdir, rename } from "node:fs/promises"
import { basename, join } from "node:path"
import { Effect } from "effect"
import * as AptPackage from "./AptPackage.ts"
import { ownSuite } from "./Find.ts"
import type { Machine } from "./Machine.ts"
import { NatsServerError } from "./NatsServerError.ts"
import { privateDirectory } from "./PrivateDirectory.ts"

/** Programs of one package, by their paths in it, such as "usr/sbin/nats-server". */
export interface PackagedPrograms {
  readonly name: string
  /** `ownSuite` is the machine's own package source. */
  readonly suite: string
  readonly programs: ReadonlyArray<string>
}

/**
 * Fetches programs into `directory`, where they have their last names; nothing is installed.
 *
 * Works in a private directory inside it, so that each program arrives by one rename and two processes that fetch at
 * once do not see each other's half.
 */
export const fetch = (
  { name, programs, suite }: PackagedPrograms,
  directory: string,
  { environment }: Machine
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const work = yield* privateDirectory(directory)
      const sources = suite === ownSuite ? undefined : yield* AptPackage.sourcesOfSuite(suite)
      const unpacked = yield* AptPackage.unpack(name, { directory: work, environment }, sources)
      yield* Effect.tryPromise({
        try: async () => {
          await mkdir(directory, { recursive: true })
          for (const program of programs)
            await rename(join(unpacked, program), join(directory, basename(program)))
        },
        catch: (cause) => new NatsServerError({ message: String(cause) })
      })
    })
  )
