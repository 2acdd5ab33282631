import { Effect } from "effect"
import * as Program from "./Program.ts"
import * as Queue from "./Queue.ts"

interface Options {
  readonly natsUrl: string
  readonly calls: number
  readonly inFlight: number
  /** The worker finds its limit itself; otherwise it has as many in flight as the raw loop. */
  readonly adaptive: boolean
  /** Where CPU profiles of the contestants go, if anywhere. */
  readonly profiles: string | undefined
  /** More settings for the worker. */
  readonly environment?: Readonly<Record<string, string>>
}

/** What serving a queue full of calls took. */
export interface Measured {
  readonly callsPerSecond: number
  readonly cpuMicrosPerCall: number
}

/** Until the compiler has seen all of it: after one round's calls the next still costs a tenth more. */
const warmUpRounds = 2

/** `bare` is the worker without metrics and traces. */
export type Contestant = "raw" | "bare" | "worker"

/**
 * Lets a contestant serve a queue full of calls, in a process of its own that has served others before. It is
 * suspended while the calls are published.
 */
export const measure = (contestant: Contestant, options: Options) =>
  Effect.scoped(
    Effect.gen(function* () {
      const queue = yield* Queue.make(options.natsUrl)
      yield* queue.recreate
      const fn = yield* Program.run(["bench/function.ts"], {})
      const port = yield* fn.hear
      const serving = yield* start(contestant, `http://127.0.0.1:${port}`, options)

      const serve = (calls: number) =>
        Effect.gen(function* () {
          yield* serving.suspend
          yield* queue.fill(calls)
          yield* serving.resume
          const seconds = yield* fn.ask(calls)
          yield* queue.emptied
          return seconds
        }).pipe(Effect.raceFirst(serving.crashed))

      yield* serve(warmUpRounds * options.calls)
      const cpuBefore = yield* serving.ask(0)
      const seconds = yield* serve(options.calls)
      const cpuAfter = yield* serving.ask(0)
      return {
        callsPerSecond: options.calls / seconds,
        cpuMicrosPerCall: (cpuAfter - cpuBefore) / options.calls
      } satisfies Measured
    })
  )

const start = (contestant: Contestant, functions: string, options: Options) => {
  const node = [
    ...(options.profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profiles}`]),
    "--import=./bench/meter.ts"
  ]
  const environment = { NATS_URL: options.natsUrl }
  return contestant === "raw"
    ? Program.run([...node, "bench/raw.ts"], {
        ...environment,
        stream: Queue.streamName,
        functions,
        in_flight: String(options.inFlight)
      })
    : Program.run([...node, ...(contestant === "bare" ? ["bench/bare.ts"] : ["src/main.ts", "worker"])], {
        ...environment,
        queue_name: Queue.queueName,
        function_url: `${functions}/{name}`,
        max_inflight: String(options.inFlight),
        limiter_enabled: String(options.adaptive),
        metrics_port: "0",
        ...options.environment
      })
}
