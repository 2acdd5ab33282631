import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import * as Ending from "../../../src/cli/Ending.ts"
import { UserError } from "../../../src/settings/UserError.ts"

/** A program that ends as its argument says; "ready" on stdout tells that signals are listened to. */
const programs: Readonly<Record<string, Effect.Effect<void, UserError>>> = {
  success: Effect.void,
  "user-error": Effect.fail(
    new UserError({ message: "functions_file=x.yaml cannot be read: set another one" })
  ),
  defect: Effect.die(new Error("this should not have happened")),
  graceful: Effect.andThen(Console.log("ready"), Effect.never).pipe(
    Effect.onInterrupt(() => Console.log("finished what was running"))
  ),
  stuck: Effect.andThen(Console.log("ready"), Effect.never).pipe(
    Effect.onInterrupt(() => Effect.andThen(Console.log("stopping"), Effect.never))
  )
}

Ending.stopAtSecondSignal.pipe(
  Effect.andThen(programs[process.argv[2] ?? ""] ?? Effect.die("unknown program")),
  Effect.tapCause(Ending.report),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: Ending.teardown })
)
