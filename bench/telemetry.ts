/** What metrics and traces cost: CPU a call beside the worker without them, and a scrape with many functions. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import * as Ending from "../src/cli/Ending.ts"
import * as NatsServer from "../src/natsserver/NatsServer.ts"
import { version } from "../src/version.ts"
import * as Flags from "./Flags.ts"
import { geometricMean } from "./GeometricMean.ts"
import { median } from "./Median.ts"
import * as Queue from "./Queue.ts"
import * as Report from "./Report.ts"
import * as Scrape from "./Scrape.ts"
import * as Sink from "./Sink.ts"
import * as Throughput from "./Throughput.ts"

const FUNCTIONS = 1_000

type Name = "uncounted" | "metrics" | "traces 1 %" | "traces 100 %"

const contestants = (collector: string): ReadonlyArray<Throughput.Contestant<Name>> => [
  { name: "uncounted", program: "uncounted", environment: {} },
  { name: "metrics", program: "worker", environment: {} },
  { name: "traces 1 %", program: "worker", environment: sampled(collector, "0.01") },
  { name: "traces 100 %", program: "worker", environment: sampled(collector, "1") }
]

const sampled = (collector: string, ratio: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector,
  OTEL_TRACES_SAMPLER_ARG: ratio,
  // What is dropped costs nothing, nor what is exported after the turn.
  OTEL_BSP_MAX_QUEUE_SIZE: "1000000",
  OTEL_BSP_SCHEDULE_DELAY: "250"
})

/**
 * The trace of a caller that is sampled, which a contestant that traces continues. Otherwise one that records a call
 * in a hundred would have recorded a few hundred by now, with code that the compiler has hardly looked at.
 */
const sampledTrace = { Traceparent: [`00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`] }

/** The most CPU a call, as a multiple of that of the contestant it adds to. */
const bounds: ReadonlyArray<{ readonly name: Name; readonly of: Name; readonly factor: number }> = [
  { name: "metrics", of: "uncounted", factor: 1.05 },
  { name: "traces 1 %", of: "metrics", factor: 1.05 },
  { name: "traces 100 %", of: "metrics", factor: 1.6 }
]

const bench = Command.make(
  "bench:telemetry",
  Flags.throughput({ heats: 10, rounds: 8, calls: 5_000 }),
  Effect.fnUntraced(function* (given) {
    const scraped = yield* Scrape.measure(FUNCTIONS)
    yield* Console.log(
      `scrape with ${FUNCTIONS} functions: ${(scraped.bytes / 1e6).toFixed(2)} MB, ` +
        `${scraped.firstMillis.toFixed(0)} ms of CPU the first time, then ${scraped.laterMillis.toFixed(0)} ms ` +
        "(at most 6 MB, 300 ms)"
    )
    const server = yield* NatsServer.start()
    const { serverVersion } = yield* Queue.make(server.url, "bench")
    yield* Console.log(Report.machine(serverVersion))
    const heats = yield* Throughput.measure(contestants(yield* Sink.listen), {
      ...given,
      natsUrl: server.url,
      inFlight: 64,
      warmUps: [sampledTrace, {}],
      profiles: undefined,
      tell: Console.log
    })
    // Of a heat the middle rounds, for a busy neighbour only ever adds; and heats are what varies by chance,
    // because the compiler does better in one process than in the next.
    const micros = (name: Name) =>
      heats.map((rounds) => median(rounds.map((round) => round[name].cpuMicrosPerCall)))
    yield* Console.log(`uncounted      ${median(micros("uncounted")).toFixed(1)} µs CPU a call`)
    for (const { name, of, factor } of bounds) {
      const base = micros(of)
      const { error, mean } = geometricMean(
        micros(name).map((each, heat) => each / (base[heat] ?? Number.NaN))
      )
      yield* Console.log(
        `${name.padEnd(14)} ${median(micros(name)).toFixed(1)} µs, ${mean.toFixed(2)} ± ${error.toFixed(2)} × ${of} ` +
          `(at most ${factor})`
      )
    }
  }, Effect.scoped)
).pipe(Command.withDescription("What metrics and traces cost a call, and a scrape with 1,000 functions"))

Command.run(bench, { version }).pipe(
  Effect.provide(NodeServices.layer),
  Effect.tapCause(Ending.report),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
