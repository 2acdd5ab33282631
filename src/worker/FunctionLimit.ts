import type { Lookup } from "../functions/FunctionSpec.ts"

/** The function's annotation that says how many of its calls one worker may have in flight. */
export const LIMIT_ANNOTATION = "sluice.limit"

/** The fixed limit of a function on one worker: its annotation, else all the worker's slots. */
export const limitOf = (found: Lookup, slots: number): number => {
  const text = found._tag === "Unknown" ? undefined : found.spec.annotations[LIMIT_ANNOTATION]
  const limit = Number(text ?? slots)
  return Number.isInteger(limit) && limit >= 1 ? Math.min(limit, slots) : slots
}
