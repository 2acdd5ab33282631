import { Effect } from "effect"
import * as CalledFunction from "./CalledFunction.ts"
import * as Program from "./Program.ts"
import type * as Queue from "./Queue.ts"

interface Options {
  readonly natsUrl: string
  readonly queue: Effect.Success<ReturnType<typeof Queue.make>>
  readonly starts: number
}

/** From the start of a worker's process to its first pull, with a call waiting; milliseconds of each start. */
export const measure = Effect.fnUntraced(function* ({ natsUrl, queue, starts }: Options) {
  const fn = yield* CalledFunction.listen
  const start = Effect.gen(function* () {
    yield* queue.recreate
    yield* queue.fill(1)
    const pulled = yield* queue.nextPull
    const startedAt = performance.now()
    const worker = yield* Program.run(["src/main.ts", "worker"], {
      NATS_URL: natsUrl,
      queue_name: queue.queueName,
      function_url: `http://127.0.0.1:${fn.port}/{name}`,
      metrics_port: "0"
    })
    yield* Effect.raceFirst(pulled, worker.crashed)
    return performance.now() - startedAt
  })
  return yield* Effect.replicateEffect(Effect.scoped(start), starts)
}, Effect.scoped)
