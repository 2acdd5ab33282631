import type { Finished } from "./Job.ts"
import { work } from "./Job.ts"
import { type Mark, scenarioMarks } from "./Marks.ts"
import { seeds } from "./Evaluation.ts"

/** Scenarios that take little to compute and between them use every rule that matters most. */
const scenarios = ["S1", "S2", "S4", "S5", "S6", "S8", "S11", "S12", "S13", "S14", "S21"]

/** The runs of the quick form: ours alone, in a few scenarios, with all seeds. */
export const quickRuns = (): ReadonlyArray<Finished> =>
  scenarios.map((scenario) => work({ scenario, contenders: ["pace", "pace+hint"], seeds, pictures: [] }))

export const quick = (): ReadonlyArray<Mark> => scenarioMarks(quickRuns())
