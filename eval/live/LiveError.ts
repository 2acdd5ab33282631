import { Data } from "effect"

/** The evaluation could not be run to its end. */
export class LiveError extends Data.TaggedError("LiveError")<{ readonly message: string }> {}
