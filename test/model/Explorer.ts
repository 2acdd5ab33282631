/** A model: where it starts, and every step that can be taken from a state. */
export interface Model<State> {
  readonly initial: State
  readonly steps: (state: State) => Iterable<readonly [name: string, next: State]>
  /** What is wrong with a state, in words; undefined when nothing is. */
  readonly violation: (state: State) => string | undefined
  /** What is wrong with a state in which nothing more can happen. */
  readonly unfinished: (state: State) => string | undefined
}

interface Exploration {
  readonly states: number
  /** how often each step was taken, by the first word of its name */
  readonly taken: ReadonlyMap<string, number>
  readonly counterexample: Counterexample | undefined
}

interface Counterexample {
  readonly violation: string
  /** the steps that lead there: no shorter way exists */
  readonly trace: ReadonlyArray<string>
}

interface Visit {
  readonly step: string
  readonly from: Visit | undefined
}

const MOST_STATES = 2_000_000

/**
 * Visits every reachable state, breadth first, as TLC does for TLA+ (Lamport, Specifying Systems, 14.2): the
 * first violation that is found has a shortest trace. States are compared by their JSON.
 */
export const explore = <State>(model: Model<State>): Exploration => {
  const seen = new Set<string>([JSON.stringify(model.initial)])
  const taken = new Map<string, number>()
  let frontier: Array<{ readonly state: State; readonly visit: Visit }> = [
    { state: model.initial, visit: { step: "start", from: undefined } }
  ]
  const found = (violation: string, visit: Visit): Exploration => ({
    states: seen.size,
    taken,
    counterexample: { violation, trace: traceOf(visit) }
  })
  while (frontier.length > 0) {
    const next: typeof frontier = []
    for (const { state, visit } of frontier) {
      const violation = model.violation(state)
      if (violation !== undefined) return found(violation, visit)
      let steps = 0
      for (const [step, reached] of model.steps(state)) {
        steps++
        const kind = step.split(" ", 1)[0] ?? step
        taken.set(kind, (taken.get(kind) ?? 0) + 1)
        const key = JSON.stringify(reached)
        if (seen.has(key)) continue
        if (seen.size >= MOST_STATES) throw new Error(`more than ${MOST_STATES} states: bound the model`)
        seen.add(key)
        next.push({ state: reached, visit: { step, from: visit } })
      }
      const unfinished = steps === 0 ? model.unfinished(state) : undefined
      if (unfinished !== undefined) return found(unfinished, visit)
    }
    frontier = next
  }
  return { states: seen.size, taken, counterexample: undefined }
}

const traceOf = (visit: Visit): ReadonlyArray<string> => {
  const trace: Array<string> = []
  for (let at: Visit | undefined = visit; at?.from !== undefined; at = at.from) trace.unshift(at.step)
  return trace
}
