import { Schema } from "effect"

/** What the process of the sample functions tells on its stdout, one JSON object a line. */
export const FunctionsReport = Schema.Union([
  /** Where it serves them; `file` is the path of the functions file that says so. */
  Schema.TaggedStruct("Listening", { url: Schema.String, file: Schema.String }),
  Schema.TaggedStruct("Attempt", { call: Schema.String, fn: Schema.String }),
  /** The most requests each function had at once since the sample before; `at` in milliseconds since the epoch. */
  Schema.TaggedStruct("InFlight", { at: Schema.Number, counts: Schema.Record(Schema.String, Schema.Number) })
])
export type FunctionsReport = typeof FunctionsReport.Type
