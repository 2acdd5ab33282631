/**
 * What an answer says about room. `success`: a 2xx. `rejected`: the function had no room and did no work.
 * `neutral`: any other answer; it never counts against the function. `timeout`: none in time. `unreachable`:
 * it could not be asked. `cancelled`: the worker itself broke the call off; nothing is learnt, but it left.
 */
export type Kind = "success" | "rejected" | "neutral" | "timeout" | "unreachable" | "cancelled"

/** What one worker tells the others that serve the same function; at most one message a second. */
export interface News {
  /** Who speaks; unique among the workers of a function. */
  readonly worker: string
  /** How many calls it has in flight, or may have if that is more. */
  readonly holds: number
  /** How many it gave up lately for others to take, and has none of its own running there any more. */
  readonly gives: number
  /** It has more calls waiting than it may send. */
  readonly wants: boolean
  /**
   * How often it has found room that was not there before, since it started: a rise is news to the others.
   */
  readonly finds: number
  /** A number in [0, 1) that it keeps: the order in which workers look for more room. */
  readonly turn: number
}

/** What happens to a limiter. `seq` rises by one with every call that leaves, and names its answer. */
export type Event =
  | { readonly _tag: "Dispatched"; readonly seq: number }
  | {
      readonly _tag: "Answered"
      readonly seq: number
      readonly kind: Kind
      /** Seconds from dispatch to answer. */
      readonly latency: number
      /** Seconds, where the answer named them. */
      readonly retryAfter?: number
    }
  /**
   * The time `wakeAt` asked for has come, or calls wait again after none did: it asks for nothing meanwhile.
   */
  | { readonly _tag: "Tick" }
  /** Somebody saw the function's capacity change; the number is never trusted as the limit. */
  | { readonly _tag: "Hint"; readonly replicas?: number }
  /** Another worker's news. */
  | { readonly _tag: "Gossip"; readonly news: News }

/** The counts the caller keeps. At a step they include the event itself. */
export interface Context {
  /** Calls that have left and are not answered. */
  readonly inFlight: number
  /** Calls that could leave if they were allowed to: the backlog, with those rejected before. */
  readonly waiting: number
}

/**
 * Decides how many calls of one function may be in flight: a pure reducer. Its state is a plain immutable
 * object that JSON can carry. Times are seconds of a monotonic clock of any origin.
 */
export interface Limiter<S> {
  readonly name: string
  initial(now: number): S
  step(state: S, event: Event, now: number, context: Context): S
  /**
   * How many more calls may leave right now, at least 0. A `Dispatched` follows for each that does; when all
   * have left, it is worth asking again, because probes only follow at the limit.
   */
  room(state: S, now: number, context: Context): number
  /** Permits now, for metrics and the semaphore; 0 while the function is closed. */
  limit(state: S): number
  /** When to send a `Tick`; `Infinity` when there is nothing to do before the next event. */
  wakeAt(state: S): number
  /** What to tell the other workers now, without `worker`; `undefined` when there is nothing to say. */
  news?(state: S, now: number, context: Context): Omit<News, "worker"> | undefined
}
