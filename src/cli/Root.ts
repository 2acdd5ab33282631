import { Effect, Layer, Predicate } from "effect"
import { CliConfig, CliOutput, Command, GlobalFlag } from "effect/cli"
import { config } from "./Config.ts"
import { deadLetter } from "./DeadLetter.ts"
import { demo } from "./Demo.ts"
import { gateway } from "./Gateway.ts"
import { queue } from "./Queue.ts"
import { start } from "./Start.ts"
import { worker } from "./Worker.ts"
import { version } from "../version.ts"

const sluice = Command.make("sluice").pipe(
  Command.withDescription("An OpenFaaS-compatible queue for asynchronous function calls on NATS JetStream."),
  Command.withExamples([
    {
      command: "sluice start --function-url http://localhost:3000/{name}",
      description: "Try it on this machine"
    },
    { command: "sluice worker --help", description: "Every setting of the worker" }
  ]),
  Command.withSubcommands([start, gateway, worker, queue, deadLetter, demo, config])
)

/** A mistake on the command line is told in a line; the whole help would hide it. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (!Predicate.isTagged(event, "InvalidInvocation")) return CliOutput.defaultPresenter.present(event)
    const messages = event.errors.map(
      (error) =>
        `sluice: ${error.message.replace(/\s*\n\s*Did you mean this\?\s*/, ". Did you mean: ").replace(/\s*\n\s*/g, ", ")}`
    )
    const hint = `Run '${event.commandPath.join(" ")} --help' for help.`
    return Effect.sync(() => process.stderr.write(`${[...messages, hint].join("\n")}\n`))
  }
}

/** Runs the command that the process arguments name. */
export const root = Command.run(sluice, { version }).pipe(
  Effect.provide(
    Layer.mergeAll(
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] }),
      CliOutput.layerPresenter(presenter)
    )
  )
)
