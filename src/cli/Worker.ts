import { Command } from "effect/cli"
import * as App from "../App.ts"
import * as SettingsFlags from "./SettingsFlags.ts"

export const worker = Command.make("worker", SettingsFlags.flagsFor("worker"), (given) =>
  SettingsFlags.run("worker", given, App.worker)
).pipe(
  Command.withShortDescription("Serve one queue: call functions, retry, report results"),
  Command.withDescription(
    `Serves one queue: pulls calls, calls the functions, retries what can be retried and reports results.

  Flags win over environment variables (in brackets), those over defaults. SIGTERM lets running
  calls finish for shutdown_grace and gives the rest back to the queue.`
  ),
  Command.withExamples([
    {
      command: "sluice worker --nats-host nats.openfaas --gateway-url http://gateway.openfaas:8080",
      description: "Beside an OpenFaaS installation"
    },
    {
      command: "sluice worker --queue-name slow-jobs --max-inflight 4 --upstream-timeout 30m",
      description: "A queue of its own for slow functions"
    }
  ])
)
