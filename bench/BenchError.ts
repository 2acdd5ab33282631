import { Data } from "effect"

/** Something the benchmark needs does not work. */
export class BenchError extends Data.TaggedError("BenchError")<{ readonly message: string }> {}
