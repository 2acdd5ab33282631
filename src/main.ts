// The package as a whole takes longer to load than everything else of the program.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import * as Ending from "./cli/Ending.ts"
import { root } from "./cli/Root.ts"

Ending.stopAtSecondSignal.pipe(
  Effect.andThen(root),
  Effect.provide(NodeServices.layer),
  Effect.tapCause(Ending.report),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: Ending.teardown })
)
