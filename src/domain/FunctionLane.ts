import { Option } from "effect"
import * as FunctionName from "./FunctionName.ts"
import type { Lane } from "./Lane.ts"
import type { SubjectTemplate } from "./SubjectTemplate.ts"

/** The calls of one function. */
export interface FunctionLane extends Lane {
  readonly fn: FunctionName.FunctionName
}

/** The function's lane in the queue that the template is of. */
export const make = (subjects: SubjectTemplate, fn: FunctionName.FunctionName): FunctionLane => ({
  fn,
  key: FunctionName.key(fn),
  subject: subjects.subject(fn),
  consumerName: (streamCreated) => FunctionName.consumerName(fn, streamCreated)
})

/** The lane whose subject this is. */
export const parse = (subjects: SubjectTemplate, subject: string): Option.Option<FunctionLane> =>
  Option.map(subjects.parse(subject), (fn) => make(subjects, fn))
