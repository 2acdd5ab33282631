import { chance } from "./Chance.ts"

/** One request to a sample function. */
interface Attempt {
  readonly seed: number
  readonly call: string
  /** Which one at this call, from 1. */
  readonly number: number
}

interface Answer {
  readonly status: number
  readonly afterMillis: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A function of the demo: what it says about itself and how it answers. */
interface SampleFunction {
  readonly name: string
  /** In a few words, for people. */
  readonly does: string
  readonly annotations: Readonly<Record<string, string>>
  /** Calls that may be in flight at once, when it has a limit of its own. */
  readonly limit?: number
  readonly answer: (attempt: Attempt) => Answer
}

const RESIZE_LIMIT = 4

/** Retries that come soon, because the demo has to end. */
const retries = (attempts: number, minWait: string, maxWait: string) => ({
  "com.openfaas.retry.attempts": String(attempts),
  "com.openfaas.retry.min_wait": minWait,
  "com.openfaas.retry.max_wait": maxWait
})

export const sampleFunctions: ReadonlyArray<SampleFunction> = [
  {
    name: "echo",
    does: "answers at once",
    annotations: {},
    answer: () => ({ status: 200, afterMillis: 0 })
  },
  {
    name: "resize",
    does: `takes 150-300 ms, ${RESIZE_LIMIT} at a time`,
    annotations: { "sluice.limit": String(RESIZE_LIMIT) },
    limit: RESIZE_LIMIT,
    answer: ({ call, seed }) => ({ status: 200, afterMillis: 150 + 150 * chance(seed, call, "duration") })
  },
  {
    name: "flaky",
    does: "fails now and then, sometimes with Retry-After",
    annotations: retries(10, "200ms", "2s"),
    answer: ({ call, number, seed }) => {
      const luck = chance(seed, call, number)
      if (luck < 0.1) return { status: 500, afterMillis: 5 }
      if (luck < 0.15) return { status: 500, afterMillis: 0, headers: { "Retry-After": "1" } }
      return { status: 200, afterMillis: 20 }
    }
  },
  {
    name: "broken",
    does: "fails for ever",
    annotations: retries(3, "300ms", "1s"),
    answer: () => ({ status: 500, afterMillis: 10 })
  }
]

/** The text of a functions file (YAML, of which JSON is a part) for functions served below `url`. */
export const functionsFile = (url: string): string => {
  const functions = sampleFunctions.map(({ annotations, name }) => ({
    name,
    url: `${url}/${name}`,
    annotations
  }))
  return JSON.stringify({ functions }, null, 2)
}
