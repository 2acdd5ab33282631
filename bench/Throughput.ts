import { Duration, Effect } from "effect"
import type { HeaderMap } from "../src/domain/Headers.ts"
import * as Program from "./Program.ts"
import * as Queue from "./Queue.ts"

/** `uncounted` is the worker without metrics. */
export interface Contestant<Name extends string = string> {
  readonly name: Name
  readonly program: "raw" | "uncounted" | "worker"
  /** More settings for the worker. */
  readonly environment: Readonly<Record<string, string>>
}

interface Options {
  readonly natsUrl: string
  /** New processes of all contestants: each compiles its code anew, and not always equally well. */
  readonly heats: number
  /** Turns of each contestant in a heat. */
  readonly rounds: number
  /** Calls of a turn. */
  readonly calls: number
  readonly inFlight: number
  /** More headers of calls; there is a warm-up with each. */
  readonly warmUps: ReadonlyArray<HeaderMap>
  /** Where CPU profiles of the contestants go, if anywhere. */
  readonly profiles: string | undefined
  readonly tell: (line: string) => Effect.Effect<void>
}

/** What serving a queue full of calls took. */
export interface Measured {
  readonly callsPerSecond: number
  readonly cpuMicrosPerCall: number
}

/** What each contestant took in one round, one right after the other. */
export type Round<Name extends string> = Readonly<Record<Name, Measured>>

/** Until the compiler has seen all of it: after 20,000 calls the next still cost a tenth more. */
const WARM_UP_CALLS = 60_000

/** For what a program does a little later than asked, such as the export of traces: it belongs to the turn. */
const REST = Duration.millis(400)

/**
 * Lets contestants serve queues full of calls, in turns. Each has a process and a queue of its own for a whole
 * heat, so that what is compared was measured within seconds, by processes that are equally warm. Gives the rounds
 * of each heat.
 */
export const measure = Effect.fnUntraced(function* <Name extends string>(
  contestants: ReadonlyArray<Contestant<Name>>,
  options: Options
) {
  const heat = Effect.fnUntraced(function* (heat: number) {
    const entered = yield* Effect.forEach(contestants, (contestant, index) =>
      Effect.map(enter(`bench-${index}`, contestant, options), (turn) => ({ name: contestant.name, turn }))
    )
    return yield* Effect.forEach(counted(options.rounds), (round) =>
      Effect.gen(function* () {
        // Each comes first, second ... in its turn.
        const first = round % entered.length
        const measured = yield* Effect.forEach(
          [...entered.slice(first), ...entered.slice(0, first)],
          ({ name, turn }) => Effect.map(turn, (took) => [name, took] as const)
        )
        const line = measured.map(([name, took]) => `${name} ${shown(took)}`).toSorted()
        yield* options.tell(`heat ${heat}, round ${round}: ${line.join(", ")}`)
        return Object.fromEntries(measured) as Round<Name>
      })
    )
  }, Effect.scoped)
  return yield* Effect.forEach(counted(options.heats), heat)
})

const counted = (length: number) => Array.from({ length }, (_, index) => index + 1)

const shown = ({ callsPerSecond, cpuMicrosPerCall }: Measured): string =>
  `${cpuMicrosPerCall.toFixed(1)} µs ${callsPerSecond.toFixed(0)}/s`

/** Starts a contestant and warms it up; gives its turn. It is suspended while calls are published to it. */
const enter = Effect.fnUntraced(function* (queueName: string, contestant: Contestant, options: Options) {
  const queue = yield* Queue.make(options.natsUrl, queueName)
  yield* queue.recreate
  const fn = yield* Program.run(["bench/function.ts"], {})
  const port = yield* fn.hear
  const serving = yield* start(contestant, queue, `http://127.0.0.1:${port}`, options)

  const serve = (calls: number, header: HeaderMap) =>
    Effect.gen(function* () {
      yield* serving.suspend
      yield* queue.fill(calls, header)
      yield* serving.resume
      const seconds = yield* fn.ask(calls)
      yield* queue.emptied
      return seconds
    }).pipe(Effect.raceFirst(serving.crashed))

  for (const header of options.warmUps) yield* serve(WARM_UP_CALLS, header)
  return Effect.gen(function* () {
    const before = yield* serving.ask(0)
    const seconds = yield* serve(options.calls, {})
    yield* Effect.sleep(REST)
    const after = yield* serving.ask(0)
    return {
      callsPerSecond: options.calls / seconds,
      cpuMicrosPerCall: (after - before) / options.calls
    } satisfies Measured
  })
})

const start = (
  { environment, program }: Contestant,
  queue: Effect.Success<ReturnType<typeof Queue.make>>,
  functions: string,
  options: Options
) => {
  const node = [
    ...(options.profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profiles}`]),
    "--import=./bench/meter.ts"
  ]
  const nats = { NATS_URL: options.natsUrl }
  return program === "raw"
    ? Program.run([...node, "bench/raw.ts"], {
        ...nats,
        stream: queue.streamName,
        functions,
        in_flight: String(options.inFlight)
      })
    : Program.run(
        [
          ...node,
          ...(program === "uncounted" ? ["--import=./bench/uncounted.ts"] : []),
          "src/main.ts",
          "worker"
        ],
        {
          ...nats,
          queue_name: queue.queueName,
          function_url: `${functions}/{name}`,
          max_inflight: String(options.inFlight),
          limiter_enabled: "false",
          metrics_port: "0",
          ...environment
        }
      )
}
