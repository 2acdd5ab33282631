import { Data } from "effect"

/** A mistake of the person who runs the program: the message names the thing, the value and the remedy. */
export class UserError extends Data.TaggedError("UserError")<{ readonly message: string }> {}
