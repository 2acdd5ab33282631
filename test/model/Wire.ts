import { Effect } from "effect"
import { QueueError } from "../../src/queue/QueueError.ts"

/** What strikes one exchange between a worker and somebody else. */
export type Fault =
  /** the worker is killed before it has sent anything */
  | "die before"
  /** what was sent does its work, and the worker is killed before it hears of it */
  | "die after"
  | "lose"
  /** it does its work, and the confirmation gets lost */
  | "lose answer"
  /** it does its work when nobody waits for it any more, long after what was sent later */
  | "delay"
  | "duplicate"
  /** as if `ack_wait` had passed: what is out is delivered again, to anybody */
  | "redeliver"
  /** the consumers are lost, and with them delays and counts of deliveries */
  | "forget"
  /** nothing breaks: the worker is told to end, and another one is started */
  | "stop"

/** A worker process from its start to its end. */
export interface Life {
  readonly name: string
  /** What a killed worker does reaches nobody. */
  alive: boolean
}

/** What faults do beyond the exchange that they strike. */
interface Consequences {
  readonly kill: (life: Life) => void
  readonly stop: (life: Life) => void
  readonly redeliver: () => void
  readonly forget: () => void
}

interface Options {
  /** by the number of the exchange that is struck, from 0 */
  readonly faults: ReadonlyMap<number, Fault>
  readonly seed: number
  readonly consequences: Consequences
  readonly fork: (effect: Effect.Effect<unknown>) => void
  readonly now: () => number
}

/** For how long a worker waits for a confirmation, milliseconds. */
const TIMEOUT = 5_000
/** How late something comes that is delayed: later than `ack_wait`. */
const LATE = 13_000

const unconfirmed = new QueueError({ reason: "unavailable", detail: "it did not confirm in time" })

/** All that a worker exchanges with others, in the order in which it is begun; here faults strike. */
export class Wire {
  /** What happened, for people who read a counterexample. */
  readonly history: Array<string> = []
  readonly struck: Array<Fault> = []
  readonly #options: Options
  #exchanges = 0
  #random: number

  constructor(options: Options) {
    this.#options = options
    this.#random = options.seed
  }

  log(line: string): void {
    this.history.push(`${this.#options.now()} ${line}`)
  }

  /** Does something elsewhere and waits for the confirmation. Fails when none comes. */
  request<A>(life: Life, what: string, act: () => A): Effect.Effect<A, QueueError> {
    return Effect.suspend((): Effect.Effect<A, QueueError> => {
      if (!life.alive) return Effect.never
      const fault = this.#next(life, what)
      const arrive = Effect.andThen(this.travel, Effect.sync(act))
      const silence = Effect.andThen(Effect.sleep(TIMEOUT), Effect.fail(unconfirmed))
      switch (fault) {
        case "die before":
          return this.#die(life)
        case "die after":
          return Effect.andThen(arrive, this.#die(life))
        case "lose":
          return silence
        case "lose answer":
          return Effect.andThen(arrive, silence)
        case "delay":
          this.#late(act)
          return silence
        case "duplicate":
          this.#options.fork(arrive)
      }
      return arrive.pipe(
        Effect.tap(() => this.travel),
        Effect.tap(() => (life.alive ? Effect.void : Effect.never))
      )
    })
  }

  /** A request over HTTP: a connection that breaks is noticed at once, and nothing comes twice. */
  call<A>(life: Life, what: string, work: Effect.Effect<A>): Effect.Effect<A, QueueError> {
    return Effect.suspend((): Effect.Effect<A, QueueError> => {
      if (!life.alive) return Effect.never
      const fault = this.#next(life, what)
      if (fault === "die before") return this.#die(life)
      if (fault === "lose") return Effect.fail(unconfirmed)
      const worked = Effect.andThen(this.travel, work)
      if (fault === "die after") return Effect.andThen(worked, this.#die(life))
      if (fault === "lose answer" || fault === "delay")
        return Effect.andThen(worked, Effect.fail(unconfirmed))
      return Effect.tap(worked, () => (life.alive ? Effect.void : Effect.never))
    })
  }

  /** Tells somebody something, and never learns whether it was heard. */
  tell(life: Life, what: string, act: () => void): void {
    if (!life.alive) return
    const fault = this.#next(life, what)
    const arrive = Effect.andThen(this.travel, Effect.sync(act))
    if (fault === "die before") return this.#options.consequences.kill(life)
    if (fault === "lose" || fault === "lose answer") return
    if (fault === "delay") return this.#late(act)
    this.#options.fork(arrive)
    if (fault === "duplicate") this.#options.fork(arrive)
    if (fault === "die after") this.#options.consequences.kill(life)
  }

  /** The time that something is under way. */
  readonly travel = Effect.suspend(() => {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    return Effect.sleep(1 + ((this.#random >>> 16) % 8))
  })

  #next(life: Life, what: string): Fault | undefined {
    const { consequences, faults } = this.#options
    const number = this.#exchanges++
    const fault = faults.get(number)
    this.log(`${life.name} #${number} ${what}${fault === undefined ? "" : ` (${fault})`}`)
    if (fault === undefined) return undefined
    this.struck.push(fault)
    if (fault === "stop" || fault === "redeliver" || fault === "forget") consequences[fault](life)
    return fault
  }

  #late(act: () => void): void {
    this.#options.fork(Effect.andThen(Effect.sleep(LATE), Effect.sync(act)))
  }

  #die(life: Life): Effect.Effect<never> {
    return Effect.suspend(() => {
      this.#options.consequences.kill(life)
      return Effect.never
    })
  }
}
