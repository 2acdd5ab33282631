import { writeFile } from "node:fs/promises"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Ending from "../src/cli/Ending.ts"
import { onlyIfGiven } from "../src/cli/Flags.ts"
import * as NatsServer from "../src/natsserver/NatsServer.ts"
import { version } from "../src/version.ts"
import { BenchError } from "./BenchError.ts"
import { atLeastOne, throughput } from "./Flags.ts"
import * as Latency from "./Latency.ts"
import * as Queue from "./Queue.ts"
import * as Report from "./Report.ts"
import * as Start from "./Start.ts"
import * as Summary from "./Summary.ts"
import * as Throughput from "./Throughput.ts"

const flags = {
  ...throughput({ heats: 3, rounds: 4, calls: 20_000 }),
  inFlight: atLeastOne("in-flight", 64, "calls in flight"),
  latencyCalls: atLeastOne("latency-calls", 200, "calls for each kind of latency"),
  starts: atLeastOne("starts", 7, "starts of a worker"),
  adaptive: onlyIfGiven(
    "adaptive",
    "let the worker find its limit instead of giving it as many in flight as the raw loop"
  ),
  json: Flag.String("json").pipe(
    Flag.withMetavar("file"),
    Flag.withDescription("where to write all that was measured"),
    Flag.optional
  ),
  profiles: Flag.String("profiles").pipe(
    Flag.withMetavar("directory"),
    Flag.withDescription("where to write CPU profiles of the contestants, which become slower by it"),
    Flag.optional
  ),
  marks: onlyIfGiven("marks", "exit with 1 when a mark is missed")
}

const contestants = (adaptive: boolean): ReadonlyArray<Throughput.Contestant<"raw" | "worker">> => [
  { name: "raw", program: "raw", environment: {} },
  { name: "worker", program: "worker", environment: { limiter_enabled: String(adaptive) } }
]

const bench = Command.make(
  "bench",
  flags,
  Effect.fnUntraced(function* (given) {
    const server = yield* NatsServer.start()
    const queue = yield* Queue.make(server.url, "bench")
    const machine = Report.machine(queue.serverVersion)
    yield* Console.log(machine)
    yield* Console.log(
      `${given.heats} × ${given.rounds} rounds of ${given.calls} calls of ${Queue.messageBytes} bytes, ` +
        `${given.inFlight} in flight\n`
    )

    const heats = yield* Throughput.measure(contestants(given.adaptive), {
      ...given,
      warmUps: [{}],
      natsUrl: server.url,
      profiles: Option.getOrUndefined(given.profiles),
      tell: Console.log
    })
    const rounds = heats.flat()
    yield* Console.log(`latency: 2 × ${given.latencyCalls} calls, one at a time`)
    const latencies = yield* Latency.measure({ natsUrl: server.url, calls: given.latencyCalls })
    yield* Console.log(`start: ${given.starts} workers, one after the other`)
    const starts = yield* Start.measure({ natsUrl: server.url, queue, starts: given.starts })

    const summary = Summary.summarize(rounds, latencies, starts)
    const marks = Summary.marks(summary)
    yield* Console.log(`\n${Report.tables(summary)}\n\n${marks.map(Report.markLine).join("\n")}`)
    if (Option.isSome(given.json)) {
      const file = given.json.value
      const { calls, inFlight, latencyCalls } = given
      const everything = { machine, calls, inFlight, latencyCalls, summary, marks, rounds, latencies }
      yield* Effect.promise(() => writeFile(file, `${JSON.stringify(everything, null, 2)}\n`))
    }
    if (given.marks && marks.some(({ met }) => !met)) {
      return yield* new BenchError({ message: "a mark is missed" })
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    `What the worker costs, beside a raw loop that does the same with promises: calls a second, CPU a call,
  and the time from accepting a call to invoking the function on an idle system.`
  )
)

Command.run(bench, { version }).pipe(
  Effect.provide(NodeServices.layer),
  Effect.tapCause(Ending.report),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
