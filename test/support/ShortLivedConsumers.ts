import { Effect } from "effect"
import { CallSources } from "../../src/queue/CallSource.ts"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import type { Environment } from "./Sluice.ts"
import * as WorkerOfParts from "./WorkerOfParts.ts"

interface Options {
  /** how long the server keeps a consumer that nobody pulls from, milliseconds */
  readonly serverThresholdMillis: number
  /** Comes between an idle actor's question whether any calls are unfinished and its answer. */
  readonly beforeAnswer?: (unfinished: number) => Promise<void>
}

/** A worker whose consumers the server forgets soon; it also tells when actors have ended. */
export const startWorker = Effect.fnUntraced(function* (environment: Environment, options: Options) {
  const ended = new ArrivalCounter()
  const worker = yield* WorkerOfParts.startWorker(environment, {
    serverThresholdMillis: options.serverThresholdMillis,
    sources: ({ open }) =>
      CallSources.of({
        open: Effect.fnUntraced(function* (lane, handlers) {
          yield* Effect.addFinalizer(() => Effect.sync(() => ended.add()))
          const source = yield* open(lane, handlers)
          const unfinished = Effect.tap(source.unfinished, (count) =>
            Effect.promise(async () => options.beforeAnswer?.(count))
          )
          return { ...source, unfinished }
        })
      })
  })
  return {
    ...worker,
    /** Waits until so many actors have ended since the start. */
    actorsEnded: (count: number) => ended.atLeast(count)
  }
})
