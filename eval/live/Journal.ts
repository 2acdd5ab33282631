/** What the process of the functions saw. Times are milliseconds of the wall clock. */
export interface Journal {
  /** Calls in flight after each change, rejected ones not counted. */
  readonly running: Array<readonly [at: number, calls: number]>
  readonly rejected: Array<number>
  /** Answers of replicas. */
  readonly answered: Array<{ readonly at: number; readonly call: string; readonly status: number }>
  /** Each replica's life; `goneAt` is Infinity for those that are still there. */
  readonly replicas: Array<{ readonly readyAt: number; goneAt: number }>
  /** The most calls that one replica had in flight. */
  worst: number
}

/** What that process says: its port once, how it is going ten times a second, and its journal when asked. */
export type Message =
  | { readonly _tag: "Listening"; readonly port: number }
  | ({ readonly _tag: "Progress" } & Progress)
  | { readonly _tag: "Journal"; readonly journal: Journal }

export interface Progress {
  /** Calls with a 2xx. */
  readonly finished: number
  readonly running: number
  readonly replicas: number
  readonly rejected: number
}
