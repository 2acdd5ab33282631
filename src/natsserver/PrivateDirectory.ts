import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { NatsServerError } from "./NatsServerError.ts"

/** A new directory under `parent`, which is made when missing; removed with all it holds when the scope closes. */
export const privateDirectory = (parent: string) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        await mkdir(parent, { recursive: true })
        return await mkdtemp(join(parent, "sluice-nats-"))
      },
      catch: (cause) =>
        new NatsServerError({ message: `no directory can be made in ${parent}: ${String(cause)}` })
    }),
    (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
  )
