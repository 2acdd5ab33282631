/** How a function of the runs behaves, and what its annotations allow. */
export interface CalledFunction {
  readonly name: string
  /** its share of all calls */
  readonly share: number
  /** `sluice.limit`: attempts at once, for each worker */
  readonly limit: number
  /** `com.openfaas.retry.attempts` */
  readonly retries: number
  /** an attempt that works takes so long, milliseconds */
  readonly work: readonly [from: number, to: number]
  /** more attempts at once than this are answered 429 */
  readonly capacity?: number
}

export const calledFunctions: ReadonlyArray<CalledFunction> = [
  { name: "quick", share: 0.45, limit: 10, retries: 8, work: [1, 20] },
  { name: "slow", share: 0.12, limit: 4, retries: 8, work: [100, 400] },
  { name: "flaky", share: 0.22, limit: 6, retries: 12, work: [1, 50] },
  // Few calls: an adaptive limit takes a function that says so for one that has hardly any room.
  { name: "picky", share: 0.03, limit: 6, retries: 12, work: [1, 50] },
  { name: "broken", share: 0.06, limit: 4, retries: 2, work: [1, 50] },
  { name: "narrow", share: 0.12, limit: 5, retries: 60, work: [10, 50], capacity: 6 }
]

/** What a function does with one attempt at a call, in the order of the attempts it sees. */
export type Step = "500" | "429" | "503 Retry-After" | "reset" | "half" | "hang"
