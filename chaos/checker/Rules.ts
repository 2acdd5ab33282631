/** What the checker has to know of a run beside its history. */
export interface Rules {
  readonly functions: ReadonlyMap<string, { readonly limit: number; readonly retries: number }>
  /** a call that its function had no room for waits and uses no attempt */
  readonly holdsRejected: boolean
  /** statuses that are retried */
  readonly retried: ReadonlySet<number>
  /** milliseconds */
  readonly upstreamTimeout: number
  readonly ackWait: number
  /** how often a call may take its worker down */
  readonly maxUnfinished: number
}

/** Something that must never be. */
export interface Violation {
  /** the rule's name */
  readonly rule: string
  /** undefined when it is about no single call */
  readonly call: string | undefined
  readonly text: string
}
