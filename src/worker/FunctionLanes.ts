import { Effect } from "effect"
import * as FunctionLane from "../domain/FunctionLane.ts"
import type { SubjectTemplate } from "../domain/SubjectTemplate.ts"
import { Functions } from "../functions/Functions.ts"
import type { Adviser } from "./Adviser.ts"
import { limitOf } from "./FunctionLimit.ts"
import * as FunctionMetrics from "./FunctionMetrics.ts"
import type { LaneKind } from "./LaneKind.ts"
import { Process } from "./Process.ts"

/** The lanes of the queue: a function each. */
export const make = Effect.fnUntraced(function* (
  subjects: SubjectTemplate,
  advisers: ReadonlyArray<Adviser<FunctionLane.FunctionLane>> = []
) {
  const functions = yield* Functions
  const { process } = yield* Process
  return {
    noun: "function",
    parse: (subject) => FunctionLane.parse(subjects, subject),
    limit: ({ fn }, slots) => Effect.map(functions.find(fn), (found) => limitOf(found, slots)),
    process: ({ fn }, delivery, progress) => process(fn, delivery, progress),
    metrics: yield* FunctionMetrics.make,
    advisers
  } satisfies LaneKind<FunctionLane.FunctionLane>
})

export type FunctionLanes = Effect.Success<ReturnType<typeof make>>
