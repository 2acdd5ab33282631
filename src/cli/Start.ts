import { Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as App from "../App.ts"
import * as SettingsFlags from "./SettingsFlags.ts"

const store = Flag.Directory("store").pipe(
  Flag.withMetavar("directory"),
  Flag.withDescription("directory where calls survive a restart; without it they live in memory"),
  Flag.optional
)

export const start = Command.make(
  "start",
  { store, settings: SettingsFlags.flagsFor("start") },
  ({ settings, store }) =>
    SettingsFlags.run("start", settings, (effective) =>
      App.start(effective, { store: Option.getOrUndefined(store) })
    )
).pipe(
  Command.withShortDescription("Development: NATS server, gateway and worker in one process"),
  Command.withDescription(
    `Runs everything for development: a NATS server of its own, the gateway and a worker.

  Calls live in memory unless --store names a directory. With NATS_URL or nats_host that server is
  used and none is started. Flags win over environment variables (in brackets), those over defaults.`
  ),
  Command.withExamples([
    {
      command: "sluice start --function-url http://localhost:3000/{name}",
      description: "Functions as routes of a server on this machine"
    },
    {
      command: "sluice start --functions-file functions.yaml --store ./calls --debug",
      description: "Functions from a file, calls kept between runs"
    }
  ])
)
