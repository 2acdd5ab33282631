import { Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Demo from "../demo/Demo.ts"
import { atLeast } from "./Flags.ts"

/** One for each function. */
const LEAST_CALLS = 4

const flags = {
  calls: atLeast(LEAST_CALLS, "calls").pipe(
    Flag.withDescription("calls to make (default 2000)"),
    Flag.withDefault(2000)
  ),
  picture: Flag.String("picture").pipe(
    Flag.withMetavar("file"),
    Flag.withDescription("where to write the picture (default sluice-demo.svg)"),
    Flag.withDefault("sluice-demo.svg")
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("makes the functions' latencies and errors the same in each run"),
    Flag.optional
  )
}

export const demo = Command.make("demo", flags, ({ calls, picture, seed }) =>
  Demo.demo({ calls, picture, seed: Option.getOrUndefined(seed) })
).pipe(
  Command.withShortDescription("A finite run on real parts, with a picture at the end"),
  Command.withDescription(
    `Runs the main job on real parts: a NATS server, a gateway, a worker and a few functions.

  It needs no settings, ends by itself and writes a picture of what happened.`
  ),
  Command.withExamples([
    { command: "sluice demo", description: "The usual run" },
    { command: "sluice demo --calls 500 --picture demo.svg", description: "A shorter one" }
  ])
)
