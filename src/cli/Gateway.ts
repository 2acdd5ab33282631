import { Command } from "effect/cli"
import * as App from "../App.ts"
import * as SettingsFlags from "./SettingsFlags.ts"

export const gateway = Command.make("gateway", SettingsFlags.flagsFor("gateway"), (given) =>
  SettingsFlags.run("gateway", given, App.gateway)
).pipe(
  Command.withShortDescription("Accept calls over HTTP and store them in the queue"),
  Command.withDescription(
    `Accepts calls over HTTP and stores them in the queue.

  POST /async-function/NAME answers 202 with a call id as soon as NATS has stored the call;
  /function/NAME calls the function and waits for its answer. Flags win over environment
  variables (in brackets), those over defaults. SIGTERM lets running requests finish.`
  ),
  Command.withExamples([
    {
      command: "sluice gateway --nats-host nats.openfaas --function-url http://{name}.{namespace}:8080",
      description: "Functions as Kubernetes services"
    },
    {
      command: "NATS_URL=tls://user:password@nats:4222 gateway_url=http://gateway:8080 sluice gateway",
      description: "Everything from the environment"
    }
  ])
)
