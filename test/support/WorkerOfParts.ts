/** A worker put together as in production, with something of the test's between its parts. */
import { Effect, Layer } from "effect"
import * as App from "../../src/App.ts"
import * as WorkerParts from "../../src/App/WorkerParts.ts"
import { Functions } from "../../src/functions/Functions.ts"
import { CallSources } from "../../src/queue/CallSource.ts"
import { Gossip } from "../../src/queue/Gossip.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { Exposition } from "../../src/telemetry/Exposition.ts"
import { type Environment, run, settings } from "./Sluice.ts"

/** What the actors of functions get instead of a part, made from the real one. */
interface Between {
  readonly sources?: (real: CallSources["Service"]) => CallSources["Service"]
  readonly functions?: (real: Functions["Service"]) => Functions["Service"]
  readonly gossip?: (real: Gossip["Service"]) => Gossip["Service"]
  /** how long the server keeps a consumer that nobody pulls from; no setting makes it this short, milliseconds */
  readonly serverThresholdMillis?: number
}

const same = <A>(real: A) => real

export const startWorker = Effect.fnUntraced(function* (environment: Environment, between: Between) {
  const values = settings("worker", environment)
  const functions = Layer.effect(Functions, Effect.map(Functions, between.functions ?? same)).pipe(
    Layer.provide(App.functions(values))
  )
  const parts = WorkerParts.workerParts(values, "file", {
    sources: (settings, thresholdMillis) =>
      Layer.effect(CallSources, Effect.map(CallSources, between.sources ?? same)).pipe(
        Layer.provide(WorkerParts.callSources(settings, thresholdMillis))
      ),
    gossip: Layer.effect(Gossip, Effect.map(Gossip, between.gossip ?? same)).pipe(
      Layer.provide(Gossip.layer)
    ),
    ...(between.serverThresholdMillis === undefined
      ? {}
      : { serverThresholdMillis: between.serverThresholdMillis })
  })
  const layer = parts.pipe(
    Layer.provide([functions, App.queue(values, "worker", "file")]),
    Layer.provide(QueueHealth.layer),
    Layer.provideMerge(
      Exposition.layer({ queueName: values.queueName, programs: ["worker"], version: "of a test" })
    )
  )
  return yield* run(layer)
})
