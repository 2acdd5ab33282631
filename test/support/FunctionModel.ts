import { Clock, Duration, Effect } from "effect"
import * as Call from "../../src/domain/Call.ts"
import type { Reaction } from "../../src/worker/Invoker.ts"

/** One attempt as the function's side saw it; times in seconds. */
interface Attempt {
  readonly id: string
  readonly sentAt: number
  status?: number
}

interface Options {
  readonly places: number
  readonly workMillis: (id: string) => number
  /** Whether attempt number n, from 1, is refused although there is a place. */
  readonly refuses?: (attempt: number) => boolean
  /** What a refusal asks for. */
  readonly retryAfterMillis?: number
}

/** Milliseconds from the worker to the function, and the same back. */
const NETWORK = 1

/** A function with so many places, whose calls take a known time each; 429 when all are taken. It uses the clock of the test. */
export class FunctionModel {
  places: number
  /** The most attempts that were on their way, worked on or refused, at once. */
  mostOut = 0
  readonly attempts: Array<Attempt> = []
  readonly #options: Options
  #working = 0
  #out = 0

  constructor(options: Options) {
    this.places = options.places
    this.#options = options
  }

  get refused(): ReadonlyArray<Attempt> {
    return this.attempts.filter(({ status }) => status === 429)
  }

  invoke(call: Call.Call): Effect.Effect<Reaction> {
    return Effect.gen({ self: this }, function* () {
      const clock = yield* Clock.Clock
      const startedAt = clock.monotonicTimeNanosUnsafe()
      const attempt: Attempt = { id: Call.callId(call) ?? "", sentAt: Number(startedAt) / 1e9 }
      this.attempts.push(attempt)
      const isRefused = this.#options.refuses?.(this.attempts.length) ?? false
      this.mostOut = Math.max(this.mostOut, ++this.#out)
      const status = yield* Effect.ensuring(
        this.#visit(attempt.id, isRefused),
        Effect.sync(() => this.#out--)
      )
      attempt.status = status
      const retryAfter = status === 429 ? this.#options.retryAfterMillis : undefined
      return {
        answer: { _tag: "Reply", status, internal: false, retryAfter },
        durationSeconds: Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e9,
        reply: undefined,
        excerpt: undefined,
        droppedHeaders: []
      }
    })
  }

  /** There and back; gives the status. */
  #visit(id: string, isRefused: boolean): Effect.Effect<number> {
    return Effect.gen({ self: this }, function* () {
      yield* wait(NETWORK)
      if (isRefused || this.#working >= this.places) {
        yield* wait(NETWORK)
        return 429
      }
      this.#working++
      yield* Effect.ensuring(
        wait(this.#options.workMillis(id)),
        Effect.sync(() => this.#working--)
      )
      yield* wait(NETWORK)
      return 200
    })
  }
}

const wait = (millis: number) => Clock.clockWith((clock) => clock.sleep(Duration.millis(millis)))
