/** What metrics and traces cost: CPU a call beside the worker without them, and a scrape with many functions. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Ending from "../src/cli/Ending.ts"
import * as NatsServer from "../src/natsserver/NatsServer.ts"
import { version } from "../src/version.ts"
import * as Queue from "./Queue.ts"
import * as Report from "./Report.ts"
import * as Scrape from "./Scrape.ts"
import * as Sink from "./Sink.ts"
import { median } from "./Median.ts"
import * as Throughput from "./Throughput.ts"

const FUNCTIONS = 1_000

interface Variant {
  readonly name: string
  readonly contestant: Throughput.Contestant
  readonly environment: Readonly<Record<string, string>>
  /** The most CPU a call, as a multiple of that of the variant it adds to. */
  readonly bound: { readonly factor: number; readonly of: string } | undefined
}

const sampling = (collector: string, ratio: string): Variant["environment"] => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector,
  OTEL_TRACES_SAMPLER_ARG: ratio,
  // What is dropped costs nothing.
  OTEL_BSP_MAX_QUEUE_SIZE: "1000000"
})

const variants = (collector: string): ReadonlyArray<Variant> => [
  { name: "bare", contestant: "bare", environment: {}, bound: undefined },
  { name: "metrics", contestant: "worker", environment: {}, bound: { factor: 1.05, of: "bare" } },
  {
    name: "traces 1 %",
    contestant: "worker",
    environment: sampling(collector, "0.01"),
    bound: { factor: 1.05, of: "metrics" }
  },
  {
    name: "traces 100 %",
    contestant: "worker",
    environment: sampling(collector, "1"),
    bound: { factor: 1.6, of: "metrics" }
  }
]

const flags = {
  rounds: Flag.Int("rounds").pipe(
    Flag.withDescription("rounds of all variants (default 5)"),
    Flag.withDefault(5)
  ),
  calls: Flag.Int("calls").pipe(
    Flag.withDescription("calls of a variant in a round (default 20000)"),
    Flag.withDefault(20_000)
  )
}

const bench = Command.make(
  "bench:telemetry",
  flags,
  Effect.fnUntraced(function* ({ calls, rounds }) {
    const scraped = yield* Scrape.measure(FUNCTIONS)
    yield* Console.log(
      `scrape with ${FUNCTIONS} functions: ${(scraped.bytes / 1e6).toFixed(2)} MB, ` +
        `${scraped.firstMillis.toFixed(0)} ms of CPU the first time, then ${scraped.laterMillis.toFixed(0)} ms ` +
        "(at most 6 MB, 300 ms)"
    )
    const server = yield* NatsServer.start()
    const { serverVersion } = yield* Queue.make(server.url)
    yield* Console.log(Report.machine(serverVersion))
    const all = variants(yield* Sink.listen)
    const measured = new Map(all.map(({ name }) => [name, [] as Array<number>]))
    for (let round = 0; round < rounds; round++) {
      // Each comes first, second ... in its turn.
      for (let n = 0; n < all.length; n++) {
        const variant = all[(round + n) % all.length]
        if (variant === undefined) continue
        const { cpuMicrosPerCall } = yield* Throughput.measure(variant.contestant, {
          natsUrl: server.url,
          calls,
          inFlight: 64,
          adaptive: false,
          profiles: undefined,
          environment: variant.environment
        })
        measured.get(variant.name)?.push(cpuMicrosPerCall)
        yield* Console.log(`round ${round + 1}: ${variant.name} ${cpuMicrosPerCall.toFixed(1)} µs CPU a call`)
      }
    }
    for (const { bound, name } of all) {
      const micros = measured.get(name) ?? []
      const cost = `${name.padEnd(14)} ${median(micros).toFixed(1)} µs`
      const base = bound === undefined ? [] : (measured.get(bound.of) ?? [])
      const ratio = median(micros.map((value, round) => value / (base[round] ?? Number.NaN)))
      yield* Console.log(
        bound === undefined
          ? cost
          : `${cost}, ${ratio.toFixed(3)} × ${bound.of} (at most ${bound.factor}; medians ` +
              `${(median(micros) / median(base)).toFixed(3)}, least ${(Math.min(...micros) / Math.min(...base)).toFixed(3)})`
      )
    }
  }, Effect.scoped)
).pipe(Command.withDescription("What metrics and traces cost a call, and a scrape with 1,000 functions"))

Command.run(bench, { version }).pipe(
  Effect.provide(NodeServices.layer),
  Effect.tapCause(Ending.report),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
