import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import * as Ending from "./cli/Ending.ts"
import { root } from "./cli/Root.ts"

Ending.stopAtSecondSignal.pipe(
  Effect.andThen(root),
  Effect.provide(NodeServices.layer),
  Effect.tapCause(Ending.report),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: Ending.teardown })
)
