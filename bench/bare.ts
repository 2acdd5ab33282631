/** The worker as it is without metrics and traces, which nobody can switch off in the program itself. */
import { NodeRuntime } from "@effect/platform-node"
import { Layer, Result } from "effect"
import * as App from "../src/App.ts"
import { workerParts } from "../src/App/WorkerParts.ts"
import { QueueHealth } from "../src/queue/QueueHealth.ts"
import { read } from "../src/settings/ReadSettings.ts"
import * as Logging from "../src/telemetry/Logging.ts"

const { settings } = Result.getOrThrowWith(
  read("worker", { flags: {}, environment: process.env }),
  (mistakes) => new Error(mistakes.join("\n"))
)
const worker = workerParts(settings, "file").pipe(
  Layer.provide([App.functions(settings), App.queue(settings, "worker", "file")]),
  Layer.provide([QueueHealth.layer, Logging.layer({ encoding: "json", debug: false })])
)

NodeRuntime.runMain(Layer.launch(worker))
