import { Duration, Effect } from "effect"

/** How long the end of a process may still wait for a server. */
const LAST_WORDS = Duration.seconds(2)

/** Done or given up soon, also where nothing can be interrupted. */
export const lastly = (effect: Effect.Effect<unknown>) =>
  Effect.timeoutOption(Effect.interruptible(effect), LAST_WORDS)
