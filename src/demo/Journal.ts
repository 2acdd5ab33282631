/** A call as it was posted and what the gateway said. */
interface Post {
  readonly call: string
  readonly fn: string
  /** 202 when it was accepted; 0 when there was no answer. */
  readonly status: number
}

/** A result that has come back. */
export interface Callback {
  readonly call: string
  readonly fn: string
  /** `X-Function-Status`. */
  readonly status: number
  /** `X-Retry`. */
  readonly retries: number
  /** From the gateway's accept (`X-Start-Time`), milliseconds. */
  readonly latencyMillis: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A request that a function got, as the functions tell it. */
interface AttemptSeen {
  readonly call: string
  readonly fn: string
}

/** A number for each function at one moment, milliseconds since the epoch. */
export interface Sample {
  readonly at: number
  readonly counts: Readonly<Record<string, number>>
}

/** Everything that was seen in one run, by those who saw it. */
export class Journal {
  readonly posts: Array<Post> = []
  readonly attempts: Array<AttemptSeen> = []
  readonly callbacks: Array<Callback> = []
  /** Unfinished calls in the stream. */
  readonly depth: Array<Sample> = []
  /** The most requests a function had at once since the sample before. */
  readonly inFlight: Array<Sample> = []
  /** When each wave of posts began and ended, milliseconds since the epoch. */
  readonly waves: Array<{ readonly from: number; readonly to: number }> = []

  get accepted(): ReadonlyArray<Post> {
    return this.posts.filter(({ status }) => status === 202)
  }

  /** How many calls the last look at the stream found. */
  get waiting(): number {
    return Object.values(this.depth.at(-1)?.counts ?? {}).reduce((sum, count) => sum + count, 0)
  }

  /** The most requests a function ever had at once. */
  mostAtOnce(fn: string): number {
    return Math.max(0, ...this.inFlight.map(({ counts }) => counts[fn] ?? 0))
  }
}
