import type { Journal } from "./Journal.ts"
import { sampleFunctions } from "./SampleFunctions.ts"

/** How far a run is, in a line that fits most terminals. */
export const progress = (journal: Journal): string => {
  const waiting = journal.depth.at(-1)?.counts ?? {}
  const perFunction = sampleFunctions.map(({ name }) => `${name} ${waiting[name] ?? 0}`).join(", ")
  return `accepted ${journal.accepted.length}, done ${journal.callbacks.length}, waiting ${journal.waiting} (${perFunction})`
}
