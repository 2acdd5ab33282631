import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import * as OperatorParts from "../App/OperatorParts.ts"
import { table } from "../demo/Table.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import { printable } from "../domain/Printable.ts"
import * as QueueOverview from "../queue/QueueOverview.ts"
import { UserError } from "../settings/UserError.ts"
import { confirm, yes } from "./Confirm.ts"
import * as Flags from "./Flags.ts"
import * as FunctionFlag from "./FunctionFlag.ts"
import * as Operator from "./Operator.ts"

const output = Flags.output("table", "json is one document")

const ls = Command.make("ls", { output, settings: Operator.settingsFlags }, ({ output, settings }) =>
  Operator.run(settings, OperatorParts.natsOnce, () =>
    Effect.gen(function* () {
      const queues = yield* QueueOverview.all
      if (output === "json") return yield* Console.log(JSON.stringify(queues))
      if (queues.length === 0) return yield* Console.error("no queue: a gateway or worker makes its own")
      const rows = queues.map(({ bytes, callbacks, calls, consumers, deadLetters, oldest, queue }) => [
        queue,
        oldest ?? "-",
        String(calls),
        String(bytes),
        String(consumers),
        String(callbacks),
        String(deadLetters)
      ])
      yield* Console.log(
        table(
          [["QUEUE", "OLDEST CALL", "CALLS", "BYTES", "CONSUMERS", "CALLBACKS", "DEAD LETTERS"], ...rows],
          2
        ).join("\n")
      )
    })
  )
).pipe(
  Command.withShortDescription("List queues"),
  Command.withDescription("Lists the queues at the NATS server, with their unfinished calls.")
)

const info = Command.make("info", { output, settings: Operator.settingsFlags }, ({ output, settings }) =>
  Operator.run(settings, OperatorParts.queueOperations, ({ queueName }) =>
    Effect.gen(function* () {
      const overview = (yield* QueueOverview.all).find(({ queue }) => queue === queueName)
      if (overview === undefined) {
        return yield* new UserError({ message: `queue "${queueName}" has a stream that is no work queue` })
      }
      const functions = yield* Effect.flatMap(QueueOverview.OneQueue, (queue) => queue.functions)
      if (output === "json") return yield* Console.log(JSON.stringify({ ...overview, functions }))
      const facts = Object.entries(overview).map(([name, value]) => [name, String(value ?? "none")])
      // It may be a subject, which whoever publishes has chosen.
      const rows = functions.map(({ calls, function: fn }) => [printable(fn), String(calls)])
      yield* Console.log([...table(facts, 2), "", ...table([["FUNCTION", "CALLS"], ...rows])].join("\n"))
    })
  )
).pipe(
  Command.withShortDescription("Show one queue and its functions"),
  Command.withDescription("Shows the unfinished calls of a queue by function, and the limits of its stream.")
)

const purgeFlags = {
  function: FunctionFlag.flag("only the calls of this function"),
  yes,
  output,
  settings: Operator.settingsFlags
}

const purge = Command.make("purge", purgeFlags, ({ function: name, output, settings, yes }) =>
  Operator.run(settings, OperatorParts.queueOperations, ({ defaultNamespace, queueName }) =>
    Effect.gen(function* () {
      const queue = yield* QueueOverview.OneQueue
      const fn = yield* FunctionFlag.parse(name, defaultNamespace)
      const whose = fn === undefined ? "" : ` for ${FunctionName.key(fn)}`
      const count = yield* queue.count(fn)
      if (count > 0) yield* confirm(`remove ${count} calls${whose} from queue ${queueName}`, count, yes)
      const removed = count > 0 ? yield* queue.purge(fn) : 0
      yield* Console.log(
        output === "json" ? JSON.stringify({ queue: queueName, removed }) : `${removed} calls${whose} removed`
      )
    })
  )
).pipe(
  Command.withShortDescription("Remove the unfinished calls of a queue for ever"),
  Command.withDescription(
    `Removes waiting and delayed calls; running ones finish and are not tried again.

  On a terminal it asks first; elsewhere it wants --yes. Dead letters stay.`
  ),
  Command.withExamples([
    { command: "sluice queue purge --function resize", description: "The calls of one function" }
  ])
)

export const queue = Command.make("queue").pipe(
  Command.withShortDescription("Queues and their calls: look, empty"),
  Command.withDescription("Looks into queues, and empties them. Needs nothing but NATS."),
  Command.withSubcommands([ls, info, purge])
)
