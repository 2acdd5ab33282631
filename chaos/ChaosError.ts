import { Data } from "effect"

/** The campaign found something, or could not be run to its end. */
export class ChaosError extends Data.TaggedError("ChaosError")<{ readonly message: string }> {}
